// An etcd for tests: one or more real members on loopback, or wherever the test has addresses, with their data in a
// folder that goes with them. For Catch tests only: what goes wrong fails the test that runs, with the members' logs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace swage::tests {

struct EtcdOptions {
  // Where each member is, and what its command line begins with: {"ip", "netns", "exec", NAME}.
  struct Place {
    std::string address = "127.0.0.1";
    std::vector<std::string> within{};
  };
  std::vector<Place> places = std::vector<Place>(1);
  std::vector<std::string> arguments{};  // of etcd, for each member
  // Files (PEM) for clients: TLS, with client certificates; none: http://.
  std::string certificate{}, key{}, authorities{};
  bool peers_too = false;  // members show the same to each other; else http://
  bool wait = true;        // until there is a leader, at every member
};

class Etcd {
 public:
  // Whether etcd and etcdctl are there (Debian's etcd-server and etcd-client); that the test is skipped has been said,
  // or, with CI in the environment, it has failed.
  [[nodiscard]] static bool available();

  explicit Etcd(std::size_t members = 1);
  explicit Etcd(EtcdOptions options);
  ~Etcd();
  Etcd(const Etcd&) = delete;
  Etcd& operator=(const Etcd&) = delete;

  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] std::string endpoint(std::size_t member) const;  // "http://127.0.0.1:20345"
  [[nodiscard]] std::vector<std::string> endpoints() const;
  // The member that leads; fails the test if none is known within some seconds. Members that are paused or killed are
  // not asked.
  [[nodiscard]] std::size_t leader();
  // Until a leader is known at every member that is neither paused nor killed.
  void wait_for_leader();

  void kill(std::size_t member);    // SIGKILL
  void start(std::size_t member);   // again, with its data
  void forget(std::size_t member);  // its data. REQUIRES: it is killed
  void pause(std::size_t member);   // SIGSTOP
  void resume(std::size_t member);
  [[nodiscard]] Process& process(std::size_t member) { return members_[member].process; }

  // What `etcdctl` says, asking all members; it must succeed: etcd.ctl({"get", "/a", "--print-value-only"}).
  std::string ctl(std::initializer_list<std::string_view> arguments) const;
  [[nodiscard]] std::string log() const;

 private:
  struct Member {
    Port client{}, peer{};
    Process process{};
    bool runs = false;     // not killed, not paused
    std::uint64_t id = 0;  // 0: not known yet
  };
  struct Status {
    std::uint64_t id = 0, leader = 0;
  };
  [[nodiscard]] static std::string name(std::size_t member) { return "member" + std::to_string(member); }
  [[nodiscard]] std::string url(std::size_t member, const Port& port, bool secure) const;
  [[nodiscard]] Command command(std::size_t member) const;
  [[nodiscard]] Command etcdctl(std::size_t from, const std::string& endpoints,
                                const std::vector<std::string>& arguments) const;
  [[nodiscard]] std::optional<Status> status(std::size_t member) const;
  // Asks each member that runs; whether all know one, which runs.
  [[nodiscard]] bool all_know_a_leader();

  EtcdOptions options_;
  Folder folder_;
  std::vector<Member> members_;
  std::uint64_t leader_ = 0;  // as of the last all_know_a_leader()
};

}  // namespace swage::tests
