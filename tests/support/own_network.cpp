#include "tests/support/own_network.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/support/process.h"

#include <catch2/catch.hpp>

namespace swage::tests {

std::optional<OwnNetwork> OwnNetwork::enter() {
  Result<OwnNetwork> made = make();
  if (made) return *std::move(made);
  WARN("skipped: " << made.error().text());
  return std::nullopt;
}

Result<OwnNetwork> OwnNetwork::make() {
  const int before = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (before < 0) return fail("no network namespaces here: {}", std::strerror(errno));
  if (unshare(CLONE_NEWNET) != 0) {
    const int error = errno;
    close(before);
    return fail("cannot make a network namespace: {}", std::strerror(error));
  }
  OwnNetwork network(before);
  TRY(run({.arguments = {"ip", "link", "set", "lo", "up"}}));
  TRY(run({.arguments = {"ip", "route", "add", "local", "default", "dev", "lo"}}));
  TRY(run({.arguments = {"ip", "-6", "route", "add", "local", "default", "dev", "lo"}}));
  return network;
}

OwnNetwork::~OwnNetwork() {
  if (before_ < 0) return;
  static_cast<void>(setns(before_, CLONE_NEWNET));
  close(before_);
}

std::uint64_t OwnNetwork::tcp_connects() {
  std::ifstream file("/proc/thread-self/net/snmp");
  std::string names, values;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("Tcp:")) continue;
    (names.empty() ? names : values) = line;
  }
  std::istringstream name_list(names), value_list(values);
  for (std::string name, value; name_list >> name && value_list >> value;) {
    if (name == "ActiveOpens") return std::stoull(value);
  }
  return 0;
}

}  // namespace swage::tests
