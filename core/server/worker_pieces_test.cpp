// Memory that dns processes write, from its declaration to what each process has, without processes.
#include "core/server/worker_pieces.h"

#include <unistd.h>

#include <deque>
#include <variant>

#include "core/server/configuration.h"
#include "core/shm/worker_memory.h"
#include "tests/support/memory_attack.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::server;

namespace {

using ToAny = std::variant<message::Forbidden, message::OwnPiece, message::WorkerPiece>;

// The two sides of a child: what the supervisor has of it, and the child's configuration.
struct Child {
  Child(Role role, Channel supervisors, Channel childs) : channel(std::move(childs)) {
    process = ChildProcess{role.name(), role, std::move(supervisors), 1};
    configuration.worker_memories["rates"] = std::make_unique<shm::WorkerMemory>("rates");
    configuration.worker_memories["rates"]->ask_for(8192);
  }
  shm::WorkerMemory& rates() { return *configuration.worker_memories["rates"]; }
  // Takes what has arrived; how many messages that was.
  std::size_t take() {
    std::size_t taken = 0;
    const Result<> received = channel.receive([&](Packet packet) {
      ++taken;
      decode<ToAny>(std::move(packet), [this](auto message) {
        if constexpr (!std::same_as<decltype(message), message::Forbidden>) {
          REQUIRE(configuration.take(std::move(message)));
        }
      });
      return true;
    });
    REQUIRE(received);
    return taken;
  }

  std::optional<ChildProcess> process;
  Channel channel;
  Configuration configuration;
};

class Family {
 public:
  Family() { REQUIRE(pieces.declare({"rates", 8192})); }

  // A child that has what it is handed before it is set up.
  Child& begin(Role role) {
    auto ends = *Channel::pair();
    Child& child = children_.emplace_back(role, std::move(ends.first), std::move(ends.second));
    processes_.push_back(std::move(*child.process));
    REQUIRE(pieces.provide_for(processes_.back()));
    child.take();
    return child;
  }
  void become_ready(const Child& child) {
    std::size_t index = 0;
    while (&children_[index] != &child) ++index;
    REQUIRE(pieces.seal(*std::next(processes_.begin(), static_cast<std::ptrdiff_t>(index)), processes_));
  }

  WorkerPieces pieces;

 private:
  std::deque<Child> children_;
  std::list<ChildProcess> processes_;
};

}  // namespace

TEST_CASE("worker memory: each dns process writes its own, and all read all of it once their owners are ready") {
  Family family;
  Child& service = family.begin(Role::service());
  Child& first = family.begin(Role::dns(0));
  Child& second = family.begin(Role::dns(1));
  CHECK(service.rates().own().empty());
  REQUIRE(first.rates().own().size() == 8192);
  REQUIRE(second.rates().own().size() == 8192);
  first.rates().own()[0] = 1;
  second.rates().own()[8191] = 2;
  CHECK(first.rates().all().size() == 1);  // its own: the other one is not ready
  family.become_ready(first);
  family.become_ready(second);
  CHECK(first.take() == 1);
  CHECK(second.take() == 1);
  CHECK(service.take() == 2);
  for (Child* const each : {&first, &second, &service}) {
    REQUIRE(each->rates().all().size() == 2);
    CHECK(each->rates().all()[0][0] == 1);
    CHECK(each->rates().all()[1][8191] == 2);
  }
  first.rates().own()[5] = 9;
  CHECK(second.rates().all()[0][5] == 9);

  Child& fetch = family.begin(Role::fetch());
  CHECK(fetch.rates().all().empty());
}

TEST_CASE("worker memory: what replaces a process begins with memory of its own, and has that of the others") {
  Family family;
  Child& service = family.begin(Role::service());
  Child& first = family.begin(Role::dns(0));
  Child& second = family.begin(Role::dns(1));
  family.become_ready(first);
  family.become_ready(second);
  service.take();
  second.take();
  first.rates().own()[0] = 1;
  Child& successor = family.begin(Role::dns(0));
  CHECK(successor.rates().own()[0] == 0);
  CHECK(successor.rates().all().size() == 2);
  CHECK(second.take() == 0);
  CHECK(second.rates().all()[0][0] == 1);  // until the successor is ready
  successor.rates().own()[0] = 3;
  family.become_ready(successor);
  second.take();
  service.take();
  CHECK(second.rates().all()[0][0] == 3);
  CHECK(service.rates().all()[0][0] == 3);
  Child& next_service = family.begin(Role::service());
  CHECK(next_service.rates().all()[0][0] == 3);
  CHECK(next_service.rates().own().empty());
}

TEST_CASE("worker memory: a dns process that was taken over can write that of no other one, nor change its size") {
  Family family;
  Child& first = family.begin(Role::dns(0));
  family.become_ready(first);
  auto ends = *Channel::pair();
  ChildProcess attacker{"dns 1", Role::dns(1), std::move(ends.first), 1};
  REQUIRE(family.pieces.provide_for(attacker));
  std::vector<message::WorkerPiece> pieces;
  std::vector<message::OwnPiece> own;
  REQUIRE(ends.second.receive([&](Packet packet) {
    ToAny message = decode<ToAny>(std::move(packet));
    if (auto* const piece = std::get_if<message::WorkerPiece>(&message)) pieces.push_back(std::move(*piece));
    if (auto* const piece = std::get_if<message::OwnPiece>(&message)) own.push_back(std::move(*piece));
    return true;
  }));
  REQUIRE(pieces.size() == 1);
  REQUIRE(own.size() == 1);
  const shm::Mapping mapped = *shm::Mapping::open_sealed(*pieces[0].piece.duplicate(), shm::Seal::elsewhere);
  const tests::Attack attack = tests::attack_memory({pieces[0].piece.get(), mapped.bytes()}, mapped);
  for (const std::string& way : attack.worked) UNSCOPED_INFO(way);
  CHECK(attack.worked.empty());
  CHECK(attack.tried > 30);
  first.rates().own()[7] = 7;
  CHECK(mapped.bytes()[7] == 7);
  CHECK(ftruncate(own[0].piece.get(), 1) != 0);  // before it is ready, too
  CHECK(ftruncate(own[0].piece.get(), 1 << 20) != 0);
}

TEST_CASE("worker memory: what cannot be had is refused") {
  WorkerPieces pieces;
  CHECK(pieces.declare({"none", 0}).error().text() ==
        "none: memory of 0 bytes for each dns process: expected 1 to 1073741824");
  CHECK_FALSE(pieces.declare({"large", (std::uint64_t{1} << 30) + 1}));
  for (int i = 0; i < 64; ++i) CHECK(pieces.declare({std::to_string(i), 1}));
  CHECK(pieces.declare({"63", 2}));
  CHECK_FALSE(pieces.declare({"64", 1}));
}
