// The way of an order gone without sending one, so that code and data of it are in the caches when
// one comes.
//
// An order that is sent a hundredth of a second after the one before finds little of what it needs
// there: its way takes three times as long as that of the thousandth in a row. Source: Carl Cook,
// "When a Microsecond Is an Eternity", CppCon 2017, on keeping the hot path warm.
//
// What the core says stays as it is: the gate is asked, which changes nothing; where `submit` would
// write, an understudy does so on its own table, positions and events, by the same code; the
// message is composed with the next number and dropped. Of the live edge alone: a replay has none.
#pragma once

#include <memory>
#include <vector>

#include "pitwire/engine/core.hpp"

namespace pitwire {

class Rehearsal {
 public:
  /// Of all that is defined when it is made.
  explicit Rehearsal(Core& core);
  ~Rehearsal();

  /// An order of each armed rule, and the last that was submitted.
  void run();

 private:
  class Nowhere;
  class Route;

  void run(const OrderRequest& request);

  Core& core_;
  std::unique_ptr<Nowhere> nowhere_;
  Emitter emitter_;
  std::vector<std::unique_ptr<Route>> routes_;
  OrderDesk understudy_;
};

}  // namespace pitwire
