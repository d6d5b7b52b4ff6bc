#include "core/server/scraper.h"

#include <unistd.h>

#include "core/server/process_metrics.h"

namespace swage::server {

using metrics::Sums;

Result<Scraper::View> Scraper::open(Descriptor sheet) {
  TRY(shm::Mapping memory, shm::Mapping::attach(std::move(sheet)));
  memory.close_descriptor();
  View view{std::move(memory), {}};
  view.sheet = metrics::SheetReader(view.memory.bytes());
  return view;
}

std::uint32_t Scraper::configuration_of(pid_t pid) const {
  if (pid == getpid()) return generation_;
  const auto found = processes_.find(pid);
  return found == processes_.end() ? 0 : found->second.generation;
}

Result<> Scraper::take(message::SupervisorMetrics message) {
  TRY(supervisor_, open(std::move(message.sheet)));
  return {};
}

Result<> Scraper::take(message::ProcessMetrics message) {
  TRY(View view, open(std::move(message.sheet)));
  view.generation = message.generation;
  processes_[message.pid] = std::move(view);
  return {};
}

Result<> Scraper::take(message::PastMetrics message) {
  if (message.sheet) {
    TRY(past_, open(*std::move(message.sheet)));
  }
  processes_.erase(message.pid);
  return {};
}

std::string Scraper::text(const metrics::Registry& own) {
  if (own_.records().empty()) own_ = metrics::SheetReader(own.memory());
  own_.update();
  supervisor_.sheet.update();
  past_.sheet.update();
  Sums sums;
  sums.add_trusted(own_, Sums::Gauges::take);
  sums.add_trusted(supervisor_.sheet, Sums::Gauges::take);
  for (auto& [pid, process] : processes_) {
    process.sheet.update();
    sums.add(process.sheet, process.generation == generation_ ? Sums::Gauges::take : Sums::Gauges::leave_out);
  }
  sums.add(past_.sheet, Sums::Gauges::leave_out);
  return sums.text() + process_metrics_text(cpu_ticks_);
}

}  // namespace swage::server
