#include "tests/support/etcd.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/support/peers.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

constexpr Milliseconds kEtcdPatience{30'000};

Process start_or_fail(const Command& command) {
  Result<Process> process = Process::start(command);
  if (!process) FAIL(process.error().text());
  return *std::move(process);
}

}  // namespace

bool Etcd::available() { return have_peer("etcd") && have_peer("etcdctl"); }

Etcd::Etcd(std::size_t members) : Etcd(EtcdOptions{.places = std::vector<EtcdOptions::Place>(members)}) {}

Etcd::Etcd(EtcdOptions options) : options_(std::move(options)), members_(options_.places.size()) {
  for (std::size_t i = 0; i < size(); ++i) start(i);
  if (options_.wait) wait_for_leader();
}

Etcd::~Etcd() {
  for (std::size_t i = 0; i < size(); ++i) resume(i);
}

std::string Etcd::url(std::size_t member, const Port& port, bool secure) const {
  return fmt::format("{}://{}:{}", secure ? "https" : "http", options_.places[member].address, port.number());
}

std::string Etcd::endpoint(std::size_t member) const {
  return url(member, members_[member].client, !options_.certificate.empty());
}

std::vector<std::string> Etcd::endpoints() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < size(); ++i) all.push_back(endpoint(i));
  return all;
}

Command Etcd::command(std::size_t member) const {
  const bool secure = options_.peers_too;
  const std::string peer = url(member, members_[member].peer, secure), client = endpoint(member);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < size(); ++i) all.push_back(name(i) + "=" + url(i, members_[i].peer, secure));
  Command command{.arguments = options_.places[member].within};
  const auto add = [&](std::initializer_list<std::string> arguments) {
    command.arguments.insert(command.arguments.end(), arguments);
  };
  add({"etcd", "--name", name(member), "--data-dir", folder_.file(name(member)), "--logger", "zap", "--log-level",
       "warn"});
  add({"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer});
  add({"--listen-client-urls", client, "--advertise-client-urls", client});
  add({"--initial-cluster", fmt::format("{}", fmt::join(all, ",")), "--initial-cluster-token", folder_.path()});
  if (!options_.certificate.empty()) {
    add({"--cert-file", options_.certificate, "--key-file", options_.key});
    add({"--trusted-ca-file", options_.authorities, "--client-cert-auth"});
  }
  if (secure) {
    add({"--peer-cert-file", options_.certificate, "--peer-key-file", options_.key});
    add({"--peer-trusted-ca-file", options_.authorities, "--peer-client-cert-auth"});
  }
  command.arguments.insert(command.arguments.end(), options_.arguments.begin(), options_.arguments.end());
  return command;
}

void Etcd::kill(std::size_t member) {
  members_[member].runs = false;
  members_[member].process.kill_group();
  static_cast<void>(members_[member].process.wait(kEtcdPatience));
}

void Etcd::start(std::size_t member) {
  members_[member].process = start_or_fail(command(member));
  members_[member].runs = true;
}

void Etcd::forget(std::size_t member) { std::filesystem::remove_all(folder_.file(name(member))); }

void Etcd::pause(std::size_t member) {
  members_[member].runs = false;
  members_[member].process.signal(SIGSTOP);
}

void Etcd::resume(std::size_t member) {
  members_[member].runs = members_[member].process.running();
  members_[member].process.signal(SIGCONT);
}

Command Etcd::etcdctl(std::size_t from, const std::string& endpoints, const std::vector<std::string>& arguments) const {
  Command command{.arguments = options_.places[from].within, .environment = {{"ETCDCTL_API", "3"}}};
  const auto add = [&](const std::vector<std::string>& more) {
    command.arguments.insert(command.arguments.end(), more.begin(), more.end());
  };
  add({"etcdctl", "--endpoints", endpoints});
  if (!options_.certificate.empty()) {
    add({"--cert", options_.certificate, "--key", options_.key, "--cacert", options_.authorities});
  }
  add(arguments);
  return command;
}

std::string Etcd::ctl(std::initializer_list<std::string_view> arguments) const {
  const std::string all = fmt::format("{}", fmt::join(endpoints(), ","));
  const Result<std::string> said = run(etcdctl(0, all, {arguments.begin(), arguments.end()}));
  if (!said) FAIL(said.error().text() << log());
  return *said;
}

std::optional<Etcd::Status> Etcd::status(std::size_t member) const {
  const auto said =
      run(etcdctl(member, endpoint(member), {"--command-timeout", "1s", "endpoint", "status", "-w", "json"}));
  auto json = nlohmann::json::parse(said ? *said : "", nullptr, false);
  if (!json.is_array() || json.empty()) return std::nullopt;
  auto& status = json[0]["Status"];
  return Status{.id = status["header"].value("member_id", std::uint64_t{0}),
                .leader = status.value("leader", std::uint64_t{0})};
}

bool Etcd::all_know_a_leader() {
  leader_ = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!members_[i].runs) continue;
    const std::optional<Status> said = status(i);
    if (!said || said->leader == 0) return false;
    members_[i].id = said->id;
    leader_ = said->leader;
  }
  return std::ranges::any_of(members_, [this](const Member& each) { return each.runs && each.id == leader_; });
}

void Etcd::wait_for_leader() {
  if (!wait_until([this] { return all_know_a_leader(); }, kEtcdPatience)) FAIL("etcd has no leader\n" << log());
}

std::size_t Etcd::leader() {
  wait_for_leader();
  const auto found = std::ranges::find(members_, leader_, &Member::id);
  if (found == members_.end()) FAIL("a leader that is no member\n" << log());
  return static_cast<std::size_t>(found - members_.begin());
}

std::string Etcd::log() const {
  std::string all;
  for (std::size_t i = 0; i < size(); ++i) all += fmt::format("-- {}\n{}", name(i), members_[i].process.log());
  return all;
}

}  // namespace swage::tests
