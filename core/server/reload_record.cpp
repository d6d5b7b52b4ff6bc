#include "core/server/reload_record.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "core/config/errors.h"
#include "core/descriptor.h"
#include "core/log.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 20ms;     // between two looks at the file
constexpr auto kPatience = 6min;  // a server gives a configuration 5 to be set up

std::string record_of(const std::string& pidfile) { return pidfile + ".reload"; }

struct Record {
  std::uint64_t begun = 0, settled = 0;
  bool ok = false;
  std::string text{};
};

std::optional<Record> read_record(const std::string& path) {
  std::ifstream file(path);
  Record record;
  std::string outcome;
  if (!(file >> record.begun >> record.settled >> outcome)) return std::nullopt;
  record.ok = outcome == "ok";
  std::ostringstream rest;
  rest << (file >> std::ws).rdbuf();
  record.text = rest.str();
  return record;
}

// The server's process, if the file is not one that it left behind.
Result<pid_t> read_pid(const std::string& pidfile) {
  std::ifstream file(pidfile);
  if (!file) return fail("{}: {}", pidfile, std::strerror(errno));
  pid_t pid = 0;
  if (!(file >> pid) || pid < 1) return fail("{}: no process ID in it", pidfile);
  std::ifstream comm(fmt::format("/proc/{}/comm", pid));
  std::string name;
  if (!std::getline(comm, name)) {
    // Out of sight (hidepid) is not gone.
    return kill(pid, 0) == 0 ? Result<pid_t>(pid) : fail("{}: there is no process {}", pidfile, pid);
  }
  if (!name.starts_with("swage")) return fail("{}: the process {} is {}, not swage", pidfile, pid, name);
  return pid;
}

int report(const Error& error) {
  for (const std::string& line : config::lines_of(error)) std::fprintf(stderr, "%s\n", log::one_line(line).c_str());
  return 1;
}

}  // namespace

ReloadRecord::ReloadRecord(const std::string& pidfile) : path_(pidfile.empty() ? "" : record_of(pidfile)) {}

ReloadRecord::~ReloadRecord() {
  if (started_) unlink(path_.c_str());
}

void ReloadRecord::start() {
  started_ = !path_.empty();
  configured_ = std::time(nullptr);
  write();
}

void ReloadRecord::begin() {
  ++begun_;
  write();
}

void ReloadRecord::settle() {
  settled_ = begun_;
  problem_.clear();
  configured_ = std::time(nullptr);
  write();
}

void ReloadRecord::settle(const Error& why) {
  settled_ = begun_;
  problem_ = why.text().empty() ? "it is not known why" : why.text();
  write();
}

void ReloadRecord::leave() { started_ = false; }

// A new file each time, so that nothing that others put there is written to.
void ReloadRecord::write() const {
  if (!started_) return;
  const std::string outcome = problem_.empty() ? "ok\n" : "failed\n" + problem_ + "\n";
  const std::string text = fmt::format("{} {} {}", begun_, settled_, outcome);
  std::string made = path_ + ".XXXXXX";
  const Descriptor file(mkostemp(made.data(), O_CLOEXEC));
  const bool whole = file.exists() && ::write(file.get(), text.data(), text.size()) == std::ssize(text) &&
                     fchmod(file.get(), 0644) == 0 && std::rename(made.c_str(), path_.c_str()) == 0;
  if (whole) return;
  log::error("-pidfile: {}: {}", path_, std::strerror(errno));
  if (file.exists()) unlink(made.c_str());
}

int reload_and_wait(const std::string& pidfile) {
  const auto pid = read_pid(pidfile);
  if (!pid) return report(pid.error());
  const std::string path = record_of(pidfile);
  const auto before = read_record(path);
  if (!before) return report(Error(fmt::format("{}: no record of a server that can be waited for", path)));
  if (kill(*pid, SIGHUP) != 0) return report(Error(fmt::format("process {}: {}", *pid, std::strerror(errno))));
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    const auto now = read_record(path);
    if (now && now->settled > before->begun) {
      if (!now->ok) return report(Error(now->text));
      std::printf("reloaded\n");
      return 0;
    }
    if (kill(*pid, 0) != 0 && errno == ESRCH) return report(Error(fmt::format("the process {} is gone", *pid)));
    std::this_thread::sleep_for(kPause);
  }
  return report(Error(fmt::format("not reloaded within {} minutes", kPatience.count())));
}

}  // namespace swage::server
