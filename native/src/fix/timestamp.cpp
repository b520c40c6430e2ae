#include "timestamp.hpp"

#include <chrono>

namespace pitwire {
namespace {

// The number in text[at, at + count), or -1.
int number(std::string_view text, std::size_t at, std::size_t count) noexcept {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool parse_fraction(std::string_view text, Nanos& fraction) noexcept {
  fraction = 0;
  if (text.empty()) return true;
  if (text.front() != '.' || text.size() < 2 || text.size() > 10) return false;
  const int value = number(text, 1, text.size() - 1);
  if (value < 0) return false;
  fraction = value;
  for (std::size_t i = text.size() - 1; i < 9; ++i) fraction *= 10;
  return true;
}

std::array<char, 17> text_of(Nanos second) {
  using namespace std::chrono;
  const sys_seconds time{seconds{second}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const auto of_day = static_cast<unsigned>((time - day).count());
  std::array<char, 17> text{};
  const auto put = [&text](std::size_t at, unsigned value, std::size_t digits) {
    for (std::size_t i = digits; i-- > 0; value /= 10) {
      text[at + i] = static_cast<char>('0' + value % 10);
    }
  };
  put(0, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put(4, static_cast<unsigned>(date.month()), 2);
  put(6, static_cast<unsigned>(date.day()), 2);
  put(9, of_day / 3600, 2);
  put(12, of_day / 60 % 60, 2);
  put(15, of_day % 60, 2);
  text[8] = '-';
  text[11] = text[14] = ':';
  return text;
}

}  // namespace

void TimestampText::append(std::string& out, Nanos ts, int digits) {
  const Nanos second = ts / kSecond;
  if (second != second_) {
    text_ = text_of(second);
    second_ = second;
  }
  out.append(text_.data(), text_.size());
  if (digits == 0) return;
  char fraction[10] = {'.'};
  auto rest = static_cast<std::uint32_t>(ts % kSecond);
  for (int i = 9; i >= 1; --i, rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
  out.append(fraction, static_cast<std::size_t>(digits) + 1);
}

bool parse_timestamp(std::string_view text, Nanos& ts) noexcept {
  using namespace std::chrono;
  if (text.size() < 17 || text[8] != '-' || text[11] != ':' || text[14] != ':') return false;
  const int year_number = number(text, 0, 4), month_number = number(text, 4, 2);
  const int day_number = number(text, 6, 2), hour = number(text, 9, 2);
  const int minute = number(text, 12, 2), second = number(text, 15, 2);
  if (year_number < 0 || month_number < 0 || day_number < 0) return false;
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(day_number)}};
  Nanos fraction = 0;
  if (!date.ok() || year_number < 1970 || year_number > 2261 ||
      !parse_fraction(text.substr(17), fraction)) {
    return false;
  }
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  const Nanos of_day = (hour * 3600 + minute * 60 + (second == 60 ? 59 : second)) * kSecond;
  ts = Nanos{sys_days{date}.time_since_epoch().count()} * 86400 * kSecond + of_day + fraction;
  return true;
}

}  // namespace pitwire
