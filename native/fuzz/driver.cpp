// A target's own main, where there is no libFuzzer: every file of the folders named, then mutations
// of them drawn from a seed. An input that ends the process, or takes a second, is saved.
//   pitwire_fuzz_NAME FOLDER...      PITWIRE_RANDOM_EVENTS mutations (2,000), PITWIRE_SEED
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "../tests/random.hpp"
#include "target.hpp"

namespace {

namespace fs = std::filesystem;
using namespace std::literals;
using Input = std::vector<std::byte>;

constexpr std::size_t kInputBytesMax = 4096;
constexpr unsigned kSecondsMax = 10;  // a busy machine and sanitizers included; libFuzzer holds 1 s

Input current;
const char* program = "";

/// Only what a signal handler may call.
void save_and_die(int signal) {
  const int file = ::open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0 && ::write(file, current.data(), current.size()) >= 0) ::close(file);
  constexpr char kSaid[] = "the input is in ./crash-input\n";
  (void)!::write(STDERR_FILENO, kSaid, sizeof kSaid - 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(Input input) {
  current = std::move(input);
  ::alarm(kSecondsMax);
  pitwire::fuzz::run(current);
  ::alarm(0);
}

Input load(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<Input> load_all(std::span<char*> folders) {
  std::vector<fs::path> paths;
  for (const char* folder : folders) {
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Input> inputs;
  for (const auto& path : paths) inputs.push_back(load(path));
  return inputs;
}

/// Bytes at which a reader decides.
constexpr auto kTelling =
    "\x00\xff\x7f\x80"
    "09-.,\"{}[]=\x01\n"sv;

/// What libFuzzer does blindly: bits, bytes, copies, cuts, and pieces of another input.
class Mutator {
 public:
  Mutator(std::uint64_t seed, const std::vector<Input>& inputs) : random_(seed), inputs_(inputs) {}

  Input next() {
    Input out = inputs_[below(inputs_.size())];
    for (auto n = 1 + below(4); n > 0; --n) mutate(out);
    out.resize(std::min(out.size(), kInputBytesMax));
    return out;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  Input piece(const Input& from) {
    const auto begin = below(from.size());
    const auto end = begin + 1 + below(std::min<std::size_t>(from.size() - begin, 64));
    return {from.begin() + static_cast<std::ptrdiff_t>(begin),
            from.begin() + static_cast<std::ptrdiff_t>(std::min(end, from.size()))};
  }
  void mutate(Input& out) {
    const auto& other = inputs_[below(inputs_.size())];
    if (out.empty() || other.empty()) return out.push_back(static_cast<std::byte>(below(256)));
    const auto place = out.begin() + static_cast<std::ptrdiff_t>(below(out.size()));
    switch (below(6)) {
      case 0:
        *place ^= static_cast<std::byte>(1U << below(8));
        return;
      case 1:
        *place = static_cast<std::byte>(below(256));
        return;
      case 2: {
        const auto added = piece(other);
        out.insert(place, added.begin(), added.end());
        return;
      }
      case 3: {
        const auto room = static_cast<std::size_t>(out.end() - place);
        out.erase(place,
                  place + static_cast<std::ptrdiff_t>(1 + below(std::min<std::size_t>(room, 32))));
        return;
      }
      case 4:
        *place = static_cast<std::byte>(kTelling[below(kTelling.size())]);
        return;
      default: {
        const auto copied = piece(other);
        const auto room = static_cast<std::size_t>(out.end() - place);
        std::copy_n(copied.begin(), std::min(copied.size(), room), place);
      }
    }
  }
  std::mt19937_64 random_;
  const std::vector<Input>& inputs_;
};

}  // namespace

int main(int argc, char** argv) {
  program = argv[0];
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) {
    std::signal(signal, save_and_die);
  }
  const auto inputs = load_all(std::span(argv + 1, static_cast<std::size_t>(argc) - 1));
  if (inputs.empty()) {
    std::fprintf(stderr, "%s: no inputs in the folders named\n", program);
    return 2;
  }
  for (const auto& input : inputs) run(input);
  const auto seed = pitwire::testing::seed_of_run();
  const auto events = pitwire::testing::events_of_run(2'000);
  Mutator mutator(seed, inputs);
  for (std::uint64_t i = 0; i < events; ++i) run(mutator.next());
  std::printf("%zu inputs and %llu mutations\n", inputs.size(),
              static_cast<unsigned long long>(events));
  return 0;
}
