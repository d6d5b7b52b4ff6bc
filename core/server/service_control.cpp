#include "core/server/service_control.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "core/config/nearest.h"
#include "core/log.h"

namespace swage::server {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;  // of a second

std::string described(const Switches& switches, std::int64_t now) {
  if (!switches.queries || switches.until <= now) return "";
  std::string text = switches.queries->clients ? "of " + switches.queries->clients->to_string() : "of everybody";
  if (!switches.queries->zone.empty()) text += " for " + switches.queries->zone;
  return fmt::format("{}, for {} s more", text, (switches.until - now + kNanoseconds - 1) / kNanoseconds);
}

}  // namespace

Result<> ServiceControl::prepare(shm::Snapshot& switches) {
  snapshot_ = &switches;
  switches_ = Switches::read(switches.bytes());
  if (switches_.level) log::set_level(*switches_.level);
  return switches.bytes().empty() ? Result<>() : switches.keep();
}

void ServiceControl::take(message::Reloads message) {
  reloads_ = std::move(message);
  news_.set();
}

void ServiceControl::take(message::Upgrades message) {
  upgrades_ = std::move(message);
  news_.set();
}

void ServiceControl::start() {
  if (socket_.exists()) server_.emplace(host_.loop(), std::move(socket_), *this);
}

void ServiceControl::stop() {
  server_.reset();
  news_.set();
}

void ServiceControl::give_up() {
  given_up_ = true;
  news_.set();
}

void ServiceControl::report(Report::Server& server) const {
  server.reloads = reloads_.begun;
  server.reload_problem = reloads_.problem;
  server.configured = reloads_.configured;
  server.level = log::kLevels[static_cast<std::size_t>(log::level())];
  server.query_log = described(switches_, host_.loop().now());
}

async::Task<Result<>> ServiceControl::wait_for_news() {
  if (host_.shutting_down()) co_return fail("the server is told to end: nothing is begun any more");
  if (given_up_)
    co_return fail("the process that was asked has been replaced; `swagectl status` says what is in force");
  news_.reset();
  co_await news_.wait();
  co_return Result<>();
}

async::Task<Result<>> ServiceControl::reload() {
  co_await async::sleep(host_.loop(), std::chrono::milliseconds(0));  // what is heard may end who has called this
  ways_.receive();  // a reload that has begun by now may have read the Corefile before
  const std::uint64_t begun = reloads_.begun;
  host_.request_reload();
  while (reloads_.settled <= begun) {
    CO_TRY(co_await wait_for_news());
  }
  if (!reloads_.problem.empty()) co_return fail("{}", reloads_.problem);
  co_return Result<>();
}

// One that is under way is waited for.
async::Task<Result<pid_t>> ServiceControl::upgrade() {
  co_await async::sleep(host_.loop(), std::chrono::milliseconds(0));  // as above
  ways_.receive();
  const std::uint64_t settled = upgrades_.settled;
  ways_.request_upgrade();
  while (upgrades_.settled <= settled) {
    CO_TRY(co_await wait_for_news());
  }
  if (!upgrades_.problem.empty()) co_return fail("{}; the program before serves on", upgrades_.problem);
  co_return upgrades_.successor;
}

Result<> ServiceControl::set_log_level(const std::string& level) {
  const auto found = std::ranges::find(log::kLevels, level);
  if (found == log::kLevels.end()) {
    return fail("'{}' is not a level: expected debug, info, warning or error{}", level.substr(0, 100),
                config::did_you_mean(level, log::kLevels));
  }
  switches_.level = static_cast<log::Level>(found - log::kLevels.begin());
  TRY(switches_.publish(*snapshot_));
  log::set_level(*switches_.level);
  log::write(fmt::format("the log is of level {} from now on", level));
  return {};
}

Result<> ServiceControl::log_queries(std::optional<control::QueryLog> what) {
  switches_.queries = std::move(what);
  const std::int64_t now = host_.loop().now();
  if (switches_.queries) switches_.until = now + switches_.queries->seconds * kNanoseconds;
  TRY(switches_.publish(*snapshot_));
  const std::string whose = described(switches_, now);
  log::write(whose.empty() ? "query-log: off" : "query-log: queries are logged " + whose);
  return {};
}

Result<> ServiceControl::flush_cache(const std::string& zone) { return ways_.flush(zone.empty() ? "." : zone); }

}  // namespace swage::server
