#include "core/server/scraper.h"

#include <sstream>

#include "core/server/process_metrics.h"

namespace swage::server {

using metrics::Sums;

Result<Scraper::View> Scraper::open(Message& message) {
  if (!message.descriptor.exists()) return View{};
  TRY(shm::Segment memory, shm::Segment::attach(message.descriptor.release(), shm::Segment::Access::read));
  memory.close_descriptor();
  View view{std::move(memory), {}};
  view.sheet = metrics::SheetReader(view.memory.bytes());
  return view;
}

Result<> Scraper::take(Message message) {
  std::istringstream words(message.text);
  std::string what, pid, generation;
  words >> what;
  if (what == "own") {
    words >> generation_;
    return {};
  }
  TRY(View view, open(message));
  words >> pid >> generation;
  if (what == "supervisor") {
    supervisor_ = std::move(view);
  } else if (what == "process") {
    view.generation = generation;
    processes_[pid] = std::move(view);
  } else if (what == "past") {
    if (view.memory.exists()) past_ = std::move(view);
    processes_.erase(pid);
  }
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
