#include "plugins/secondary/budget.h"

#include <unistd.h>

#include <utility>

namespace swage::plugins::secondary {
namespace {

constexpr std::size_t kRemoved = 64;  // files at a time

struct OfMemory : shm::Shared::Companion {
  std::shared_ptr<Budget> budget = std::make_shared<Budget>();
};

}  // namespace

Result<std::shared_ptr<Budget>> Budget::of(shm::Shared& memory) {
  if (auto* const all = dynamic_cast<OfMemory*>(memory.companion())) return all->budget;
  auto all = std::make_unique<OfMemory>();
  TRY(all->budget->confirmed_.begin(memory));
  std::shared_ptr<Budget> budget = all->budget;
  memory.set_companion(std::move(all));
  return budget;
}

bool Budget::claim(const std::string& file) {
  if (!files_.insert(file).second) return false;
  if (leftover_.erase(file) != 0) unlink(file.c_str());
  return true;
}

void Budget::remove_some() {
  for (std::size_t i = 0; i < kRemoved && !leftover_.empty(); ++i) {
    unlink(leftover_.begin()->c_str());
    leftover_.erase(leftover_.begin());
  }
}

async::Task<Budget::Permit> Budget::question(async::Loop& loop) {
  if (!questions_) questions_.emplace(loop, kQuestions);
  Permit permit = co_await questions_->acquire();
  co_return std::move(permit);
}

// First of the primary, so that those who wait for a slow one keep nobody else from the others.
async::Task<Budget::Place> Budget::transfer(async::Loop& loop, Endpoint primary) {
  if (!transfers_) transfers_.emplace(loop, kTransfers);
  std::unique_ptr<async::Semaphore>& of_primary = primaries_[primary];
  if (of_primary == nullptr) of_primary = std::make_unique<async::Semaphore>(loop, kTransfersOfOne);
  Place place;
  place.of_primary = co_await of_primary->acquire();
  place.of_all = co_await transfers_->acquire();
  co_return std::move(place);
}

}  // namespace swage::plugins::secondary
