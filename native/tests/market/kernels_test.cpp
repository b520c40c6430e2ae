#include "pitwire/market/kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace pitwire {
namespace {

constexpr StrategyId kAlpha{0};
constexpr StrategyId kBeta{1};
constexpr InstrumentId kOne{0};
constexpr InstrumentId kTwo{1};

/// Counts its calls, adds its parameter, and refuses a quantity of 7.
std::int32_t counting(const KernelInput* input, const double* parameters, double* state,
                      double* out) {
  state[0] += 1;
  *out = state[0] + parameters[0] + static_cast<double>(input->bid_px);
  return input->bid_qty == 7 ? 5 : 0;
}

std::int32_t elapsed(const KernelInput* input, const double*, double*, double* out) {
  *out = static_cast<double>(input->dt_ns);
  return 0;
}

std::int32_t infinite(const KernelInput*, const double*, double*, double* out) {
  *out = std::numeric_limits<double>::infinity();
  return 0;
}

KernelTable table_of_all() {
  KernelTable table;
  table.define({kAlpha, "counting", &counting, 1, 1});
  table.define({kAlpha, "elapsed", &elapsed, 0, 0});
  table.define({kBeta, "infinite", &infinite, 0, 0});
  return table;
}

std::vector<std::uint32_t> update(KernelTable& table, InstrumentId instrument, KernelInput input) {
  const auto failed = table.update(instrument, input);
  return {failed.begin(), failed.end()};
}

constexpr double kTen[] = {10.0};

TEST(Kernels, RunOnEveryUpdateOfTheirInstrumentOnly) {
  KernelTable table = table_of_all();
  const auto slot = table.slot(kAlpha, kTwo, "counting");
  EXPECT_EQ(table.slot(kAlpha, kTwo, "counting"), slot) << "the same number for the same";
  EXPECT_FALSE(table.any(kTwo)) << "a slot alone does not run";
  table.run(slot, kTen);
  EXPECT_FALSE(table.any(kOne));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(update(table, kTwo, {.bid_px = 100}).empty());
  EXPECT_EQ(table.values()[slot], 113.0);
}

TEST(Kernels, ChangedParametersKeepTheState) {
  KernelTable table = table_of_all();
  const auto slot = table.slot(kAlpha, kOne, "counting");
  table.run(slot, kTen);
  (void)update(table, kOne, {});
  table.run(slot, std::vector{20.0});
  (void)update(table, kOne, {});
  EXPECT_EQ(table.values()[slot], 22.0);
}

TEST(Kernels, AreToldHowLongAgoTheirLastUpdateWas) {
  KernelTable table = table_of_all();
  const auto slot = table.slot(kAlpha, kOne, "elapsed");
  table.run(slot, {});
  (void)update(table, kOne, {.ts_core = 1000});
  EXPECT_EQ(table.values()[slot], 0.0);
  (void)update(table, kOne, {.ts_core = 1250});
  EXPECT_EQ(table.values()[slot], 250.0);
}

TEST(Kernels, AreDisarmedByTheirStatusOrByInfinityAndBeginAnewWhenRunAgain) {
  KernelTable table = table_of_all();
  const auto good = table.slot(kAlpha, kOne, "counting");
  const auto bad = table.slot(kBeta, kOne, "infinite");
  table.run(good, kTen);
  table.run(bad, {});
  EXPECT_EQ(update(table, kOne, {}), std::vector{bad});
  EXPECT_EQ(table.slots()[bad].status, KernelTable::kNotFinite);
  EXPECT_TRUE(std::isnan(table.values()[bad]));
  EXPECT_EQ(table.values()[good], 11.0);
  EXPECT_EQ(update(table, kOne, {.bid_qty = 7}), std::vector{good});
  EXPECT_EQ(table.slots()[good].status, 5);
  EXPECT_TRUE(std::isnan(table.values()[good]));
  EXPECT_FALSE(table.any(kOne)) << "not called again";
  table.run(good, kTen);
  EXPECT_TRUE(update(table, kOne, {}).empty());
  EXPECT_EQ(table.values()[good], 11.0) << "from zeros";
}

TEST(Kernels, StoppedOnesHaveNoValue) {
  KernelTable table = table_of_all();
  const auto slot = table.slot(kAlpha, kOne, "counting");
  table.run(slot, kTen);
  (void)update(table, kOne, {});
  EXPECT_TRUE(table.stop(slot));
  EXPECT_TRUE(std::isnan(table.values()[slot]));
  EXPECT_FALSE(table.any(kOne));
  EXPECT_FALSE(table.stop(slot));
}

TEST(Kernels, SavedStateContinuesBitForBit) {
  KernelTable one = table_of_all();
  const auto slot = one.slot(kAlpha, kOne, "counting");
  const auto bad = one.slot(kBeta, kOne, "infinite");
  one.run(slot, kTen);
  one.run(bad, {});
  (void)update(one, kOne, {.ts_core = 5});
  std::vector<std::byte> saved;
  ByteWriter writer(saved);
  one.save(writer);
  KernelTable two = table_of_all();
  ByteReader reader(saved);
  ASSERT_TRUE(two.restore(reader));
  EXPECT_EQ(two.slot(kAlpha, kOne, "counting"), slot);
  EXPECT_FALSE(two.slots()[bad].armed);
  EXPECT_EQ(two.slots()[bad].status, KernelTable::kNotFinite);
  (void)update(one, kOne, {.ts_core = 9});
  (void)update(two, kOne, {.ts_core = 9});
  EXPECT_EQ(one.values()[slot], two.values()[slot]);
  KernelTable without;
  ByteReader again(saved);
  EXPECT_FALSE(without.restore(again)) << "its code is not defined";
  ByteReader cut{std::span(saved).first(saved.size() - 1)};
  EXPECT_FALSE(two.restore(cut));
}

TEST(Kernels, BadDefinitionsAreRefused) {
  KernelTable table = table_of_all();
  EXPECT_THROW(table.define({kAlpha, "x", nullptr, 0, 0}), std::invalid_argument);
  EXPECT_THROW(table.define({kAlpha, "x", &elapsed, 4097, 0}), std::invalid_argument);
  EXPECT_NO_THROW(table.define({kAlpha, "x", &elapsed, 4096, 4096}));
  EXPECT_THROW(table.define({kAlpha, "counting", &counting, 1, 1}), std::invalid_argument);
  EXPECT_THROW((void)table.slot(kBeta, kOne, "counting"), std::invalid_argument);
  const auto slot = table.slot(kAlpha, kOne, "counting");
  EXPECT_THROW(table.run(slot, {}), std::invalid_argument);
}

TEST(Kernels, SlotsAreLimited) {
  KernelTable table = table_of_all();
  for (std::uint32_t i = 0; i < KernelTable::kKernelsMax; ++i) {
    EXPECT_EQ(table.slot(kAlpha, InstrumentId{i}, "elapsed"), i);
  }
  EXPECT_THROW((void)table.slot(kAlpha, InstrumentId{KernelTable::kKernelsMax}, "elapsed"),
               std::invalid_argument);
}

TEST(Kernels, TheirInputIsDescribedWithoutAGap) {
  std::size_t offset = 0;
  for (const auto& field : kKernelInputFields) {
    EXPECT_EQ(field.offset, offset) << field.name;
    offset += 8;
  }
  EXPECT_EQ(offset, sizeof(KernelInput));
}

}  // namespace
}  // namespace pitwire
