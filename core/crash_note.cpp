#include "core/crash_note.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>

#include "core/log.h"

namespace swage {
namespace {

constexpr std::array kCrashes = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

// A handler of signals has no other way to what it needs.
const CrashNote* current = nullptr;
std::array<struct sigaction, kCrashes.size()> handlers_before;

void restore(int signal) {
  const auto at = static_cast<std::size_t>(std::ranges::find(kCrashes, signal) - kCrashes.begin());
  sigaction(signal, &handlers_before[at], nullptr);
}

// What crashed goes on when this returns, and crashes again, as it would have without.
void say(int signal) {
  static_cast<void>(!write(STDOUT_FILENO, current->line().data(), current->line().size()));
  restore(signal);
}

void install() {
  struct sigaction action{};
  action.sa_handler = &say;
  for (std::size_t i = 0; i < kCrashes.size(); ++i) sigaction(kCrashes[i], &action, &handlers_before[i]);
}

}  // namespace

CrashNote::CrashNote(std::string_view what)
    : line_(log::formed(fmt::format("[ERROR] {}", what)) + '\n'), before_(current) {
  current = this;
  if (before_ == nullptr) install();
}

CrashNote::~CrashNote() {
  current = before_;
  if (before_ == nullptr) std::ranges::for_each(kCrashes, &restore);
}

}  // namespace swage
