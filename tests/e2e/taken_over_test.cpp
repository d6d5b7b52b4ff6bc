// What a process of the server can do that was taken over. This program plays one: it has its channel to the supervisor
// and its descriptors (pidfd_getfd(2)), and does what it can under its user. Nothing may come of it beyond the
// process's own answers. (What it can write in memory: core/shm/segment_test.cpp, tests/e2e/challenge_store_test.cpp.)
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "core/server/child.h"
#include "core/server/fetch_line.h"
#include "core/server/fetch_wire.h"
#include "tests/support/server.h"
#include "tests/support/upstream.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
namespace message = server::message;
using server::encode;
using server::MemoryKind;

constexpr const char* kCorefile = R"(example.org {
    bind 127.0.0.1
    file zones/example.org
}
)";

bool is_root() {
  if (geteuid() == 0) return true;
  WARN("SKIPPED: only root can take the place of another process");
  return false;
}

pid_t process(const Server& server, std::string_view kind) {
  const auto found = children(const_cast<Server&>(server).process().pid(), kind);
  return found.empty() ? -1 : found.front();
}

Descriptor descriptor_of(pid_t pid, int fd) {
  const Descriptor of(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_getfd, of.get(), fd, 0)));
}

// A dns process has two SEQPACKET sockets: its channel, and its fetch line.
Descriptor fetch_line_of(pid_t pid) {
  for (int fd = server::kChannelDescriptor + 1; fd < 64; ++fd) {
    Descriptor copy = descriptor_of(pid, fd);
    int type = 0;
    socklen_t size = sizeof type;
    if (!copy.exists() || getsockopt(copy.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0) continue;
    if (type == SOCK_SEQPACKET) return copy;
  }
  return {};
}

// False where the channel does not take it now.
bool say(const Descriptor& channel, const server::Packet& packet) {
  iovec part = {const_cast<char*>(packet.bytes.data()), packet.bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (const int attached = packet.descriptor.get(); attached >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &attached, sizeof attached);
  }
  return sendmsg(channel.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

bool say(const Descriptor& channel, auto message) { return say(channel, server::encode(std::move(message))); }

Descriptor memory(bool sealed) {
  Descriptor made(memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(ftruncate(made.get(), 4096) == 0);
  if (sealed) REQUIRE(fcntl(made.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
  return made;
}

std::size_t descriptors(pid_t pid) {
  const std::filesystem::directory_iterator entries("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::string status_line(pid_t pid, std::string_view name) {
  std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return line.substr(line.find('\t') + 1);
  }
  return {};
}

bool is_replaced(const Server& server, std::string_view kind, pid_t before, Milliseconds within) {
  return wait_until(
      [&] {
        const pid_t now = process(server, kind);
        return now > 0 && now != before;
      },
      within);
}

bool answers(const Server& server) {
  const Decoded answer = server.ask({.name = "example.org.", .type = "SOA"});
  return answer.rcode_text() == "NOERROR" && answer.answer.size() == 1;
}

// What the file of the test's zone is called as memory.
std::string zone_memory(pid_t dns) {
  std::ifstream maps("/proc/" + std::to_string(dns) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t at = line.find("memfd:swage file");
    if (at != std::string::npos) return line.substr(at + 12, line.rfind(" (deleted)") - at - 12);
  }
  return {};
}

// True where somebody under the user of `taken` can do nothing to any of `others`, nor to `taken` from outside.
bool can_do_nothing(pid_t taken, const std::vector<pid_t>& others) {
  const pid_t player = fork();
  if (player == 0) {
    const uid_t uid = static_cast<uid_t>(std::stoul(status_line(taken, "Uid")));
    if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) _exit(99);
    int succeeded = 0;
    const auto opens = [](pid_t pid, const char* what, int how) {
      return Descriptor(open(("/proc/" + std::to_string(pid) + "/" + what).c_str(), how)).exists();
    };
    for (const pid_t other : others) {
      char byte = 0;
      iovec here{&byte, 1}, there{reinterpret_cast<void*>(0x400000), 1};
      if (kill(other, 0) == 0) ++succeeded;
      if (opens(other, "mem", O_RDONLY) || opens(other, "environ", O_RDONLY) || opens(other, "maps", O_RDONLY))
        ++succeeded;
      if (ptrace(PTRACE_ATTACH, other, nullptr, nullptr) == 0) ++succeeded;
      if (process_vm_readv(other, &here, 1, &there, 1, 0) > 0) ++succeeded;
      if (descriptor_of(other, server::kChannelDescriptor).exists()) ++succeeded;
    }
    // Its twin under the same user: undumpable.
    if (opens(taken, "mem", O_RDWR) || ptrace(PTRACE_ATTACH, taken, nullptr, nullptr) == 0) ++succeeded;
    _exit(succeeded);
  }
  int status = 0;
  REQUIRE(waitpid(player, &status, 0) == player);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("taken over: a dns process that says what is not for it to say is replaced, and nothing comes of it") {
  if (!is_root()) return;
  std::string zone;
  {
    Server server(kCorefile);
    zone = zone_memory(process(server, "@dns"));
    REQUIRE(zone.starts_with("file example.org."));
  }
  std::vector<server::Packet> cases;
  cases.push_back(encode(message::Memory{{MemoryKind::snapshot, zone}, memory(true)}));
  cases.push_back(encode(message::Memory{{MemoryKind::shared, "challenges libp2p.direct."}, memory(true)}));
  cases.push_back(encode(message::Memory{{MemoryKind::service, "broker secret"}, memory(true)}));
  cases.push_back(encode(message::Keep{{MemoryKind::shared, "challenges libp2p.direct."}}));
  cases.push_back(encode(message::Reload{}));
  cases.push_back(encode(message::Settled{}));
  cases.push_back(encode(message::Lameduck{10min}));
  cases.push_back(encode(message::Listen{server::Purpose::queries, {*IpAddress::parse("127.0.0.1"), 1, 0}, ""}));
  cases.push_back(encode(message::Listen{server::Purpose::services, {*IpAddress::parse("127.0.0.1"), 1, 0}, ""}));
  cases.push_back(encode(message::Serves{"nonsense"}));
  cases.push_back(encode(message::StaysRoot{}));
  cases.push_back(encode(message::Declare{{MemoryKind::snapshot, "forged"}}));
  cases.push_back(encode(message::Ready{}));
  cases.push_back(encode(message::Failed{"nonsense"}));
  cases.push_back(encode(message::Drain{0ms}));  // what only the supervisor says
  cases.push_back({std::string(1, '\0')});
  cases.push_back({"~" + std::string(60000, 'x'), memory(true)});
  cases.push_back({std::string(200000, 'r')});  // longer than a message can be
  for (const server::Packet& each : cases) {
    INFO("kind '" << each.bytes.front() << "'");
    Server server(kCorefile);
    const pid_t supervisor = server.process().pid();
    const pid_t service = process(server, "@service"), victim = process(server, "@dns");
    const std::size_t before = descriptors(supervisor);
    const Descriptor channel = descriptor_of(victim, server::kChannelDescriptor);
    REQUIRE(channel.exists());
    REQUIRE(say(channel, each));
    CHECK(is_replaced(server, "@dns", victim, 10s));
    CHECK(answers(server));
    CHECK(process(server, "@service") == service);
    CHECK(server.process().wait_for("is killed: it said what is not for it to say", kPatience));
    CHECK(server.log().find("Reloading") == std::string::npos);
    CHECK(wait_until([&] { return descriptors(supervisor) <= before + 2; }, kPatience));
  }
}

// What it can want of one whose plugins fetch something: tests/e2e/fetched_test.cpp.
TEST_CASE("taken over: a dns process wants nothing of the service process that no plugin fetches") {
  if (!is_root()) return;
  using Kind = server::FetchMessage::Kind;
  Server server(kCorefile, {.workers = 2});
  const pid_t service = process(server, "@service");
  const std::vector<pid_t> dns = children(server.process().pid(), "@dns");
  server::FetchPacket want, answer;
  REQUIRE(want.add({Kind::want, 1, 1, 0, as_bytes("key")}));
  REQUIRE(answer.add({Kind::settled, 1}));
  for (const pid_t pid : dns) {
    const server::FetchLine line(fetch_line_of(pid));
    REQUIRE(line.exists());
    CHECK(line.send(pid == dns[0] ? want.bytes() : answer.bytes()));
    std::vector<std::uint8_t> buffer(server::FetchPacket::kMaxSize);
    CHECK(wait_until([&] { return !line.receive(buffer); }, kPatience));
  }
  CHECK(server.process().wait_for("it wants what is not for it to want", kPatience));
  CHECK(process(server, "@service") == service);
  CHECK(children(server.process().pid(), "@dns") == dns);
  for (int i = 0; i < 16; ++i) CHECK(answers(server));
}

// It forges what it fetches, as whoever answers it could: that is the boundary. Nothing of the zones, and nothing else.
TEST_CASE("taken over: the fetch process that says what is not for it to say is replaced, and nothing comes of it") {
  if (!is_root()) return;
  const UpstreamServer upstream([](const Packet& query, bool) { return UpstreamServer::Reply{{answer_to(query)}}; });
  Server server(kCorefile + fmt::format("net:@PORT@ {{\n    bind 127.0.0.1\n    forward . {}\n}}\n",
                                        upstream.endpoint().to_string()));
  const pid_t supervisor = server.process().pid(), service = process(server, "@service");
  const std::string zone = zone_memory(process(server, "@dns"));
  const std::string own =
      fmt::format("forward net. at 127.0.0.1:{} 1: . {}", server.port(), upstream.endpoint().to_string());
  std::vector<server::Packet> cases;
  cases.push_back(encode(message::Memory{{MemoryKind::snapshot, zone}, memory(true)}));
  cases.push_back(encode(message::Memory{{MemoryKind::shared, own}, memory(true)}));
  cases.push_back(encode(message::Memory{{MemoryKind::service, "broker secret"}, memory(true)}));
  cases.push_back(encode(message::Keep{{MemoryKind::shared, own}}));
  cases.push_back(encode(message::Declare{{MemoryKind::shared, "forged"}, Fetch::By::fetch}));
  cases.push_back(encode(message::Listen{server::Purpose::services, {*IpAddress::parse("127.0.0.1"), 1, 0}, ""}));
  cases.push_back(encode(message::Reload{}));
  cases.push_back(encode(message::Settled{}));
  cases.push_back(encode(message::StaysRoot{}));
  cases.push_back(encode(message::Ready{}));
  cases.push_back(encode(message::Failed{"nonsense"}));
  cases.push_back({std::string(200000, 'r')});
  const std::vector<pid_t> dns = children(supervisor, "@dns");
  std::this_thread::sleep_for(5s);  // so that it is replaced at once
  for (const server::Packet& each : cases) {
    INFO("kind '" << each.bytes.front() << "'");
    const pid_t victim = process(server, "@fetch");
    const std::size_t before = descriptors(supervisor);
    const Descriptor channel = descriptor_of(victim, server::kChannelDescriptor);
    REQUIRE(channel.exists());
    REQUIRE(say(channel, each));
    CHECK(is_replaced(server, "@fetch", victim, 10s));
    CHECK(answers(server));
    CHECK(wait_until(
        [&] { return server.ask({.name = "a.net.", .type = "A", .flags = kRd}).rcode_text() == "NOERROR"; }, 20s));
    CHECK(wait_until([&] { return descriptors(supervisor) <= before + 2; }, kPatience));
  }
  CHECK(server.process().wait_for("'fetch' (pid", kPatience));
  CHECK(process(server, "@service") == service);
  CHECK(children(supervisor, "@dns") == dns);
  CHECK(server.log().find("Reloading") == std::string::npos);
}

TEST_CASE("taken over: what the fetch process says on its lines costs the dns processes nothing but those lines") {
  if (!is_root()) return;
  using Kind = server::FetchMessage::Kind;
  const UpstreamServer upstream([](const Packet& query, bool) { return UpstreamServer::Reply{{answer_to(query)}}; });
  Server server(kCorefile + fmt::format("net:@PORT@ {{\n    bind 127.0.0.1\n    forward . {}\n}}\n",
                                        upstream.endpoint().to_string()));
  const pid_t dns = process(server, "@dns"), fetch = process(server, "@fetch");
  server::FetchPacket settled, want;
  for (std::uint32_t ticket = 0; ticket < 1000; ++ticket) {
    REQUIRE(settled.add({ticket % 2 == 0 ? Kind::settled : Kind::failed, ticket}));
  }
  REQUIRE(want.add({Kind::want, 1, 1, 0, as_bytes("key")}));
  const server::FetchLine line(fetch_line_of(fetch));
  REQUIRE(line.exists());
  for (int i = 0; i < 100; ++i) {
    static_cast<void>(line.send(settled.bytes()));
    CHECK(answers(server));
  }
  CHECK(line.send(want.bytes()));  // which only a dns process says
  CHECK(server.process().wait_for("the fetch process says what cannot be read of what was fetched", kPatience));
  for (int i = 0; i < 16; ++i) CHECK(answers(server));
  CHECK(process(server, "@dns") == dns);
  kill(fetch, SIGKILL);
  REQUIRE(is_replaced(server, "@fetch", fetch, 10s));
  CHECK(server.ask({.name = "a.net.", .type = "A", .flags = kRd}).rcode_text() == "NOERROR");
}

TEST_CASE("taken over: a dns process cannot exhaust the supervisor") {
  if (!is_root()) return;
  Server server(kCorefile, {.workers = 2});
  const pid_t supervisor = server.process().pid();
  const std::size_t before = descriptors(supervisor);
  const pid_t victim = process(server, "@dns");
  const Descriptor channel = descriptor_of(victim, server::kChannelDescriptor);
  const Descriptor forged = memory(true);
  std::size_t said = 0;
  for (int i = 0; i < 20'000; ++i) {
    const server::MemoryName name{MemoryKind::snapshot, "name " + std::to_string(i)};
    if (say(channel, message::Memory{name, *forged.duplicate()})) ++said;
  }
  CHECK(said > 0);
  CHECK(is_replaced(server, "@dns", victim, 10s));
  CHECK(answers(server));
  CHECK(descriptors(supervisor) <= before + 4);
  const auto begun = std::chrono::steady_clock::now();
  CHECK(server.stop().clean());
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

TEST_CASE("taken over: the service process publishes what was declared, as it was declared, and no more") {
  if (!is_root()) return;
  struct Case {
    const char* what;
    std::function<server::Packet(const std::string& zone)> packet;
  };
  const auto as_zone = [](Descriptor memory) {
    return [memory = std::make_shared<Descriptor>(std::move(memory))](const std::string& zone) {
      return encode(message::Memory{{MemoryKind::snapshot, zone}, std::move(*memory)});
    };
  };
  const auto always = [](auto message) { return [message](const std::string&) { return encode(message); }; };
  const std::vector<Case> cases = {
      {"a name that was not declared",
       [](const std::string&) { return encode(message::Memory{{MemoryKind::snapshot, "forged"}, memory(true)}); }},
      {"memory that can still be changed", as_zone(memory(false))},
      {"a device", as_zone(Descriptor(open("/dev/zero", O_RDONLY | O_CLOEXEC)))},
      {"no memory", as_zone(Descriptor())},
      {"the zone as memory that lasts",
       [](const std::string& zone) { return encode(message::Memory{{MemoryKind::shared, zone}, memory(true)}); }},
      {"the zone as it was",
       [](const std::string& zone) { return encode(message::Keep{{MemoryKind::snapshot, zone}}); }},
      {"a message that ends early",
       [](const std::string& zone) {
         server::Packet packet = encode(message::Memory{{MemoryKind::snapshot, zone}, memory(true)});
         packet.bytes.pop_back();
         return packet;
       }},
      {"a name for later", always(message::Declare{{MemoryKind::snapshot, "forged"}})},
      {"another listener",
       always(message::Listen{server::Purpose::queries, {*IpAddress::parse("127.0.0.1"), 1, 0}, ""})},
      {"a long goodbye", always(message::Lameduck{10min})},
      {"ready twice", always(message::Ready{})},
      {"what only the supervisor says", always(message::Drain{0ms})},
  };
  for (const Case& each : cases) {
    INFO(each.what);
    Server server(kCorefile);
    const pid_t service = process(server, "@service");
    const std::string zone = zone_memory(process(server, "@dns"));
    const Descriptor channel = descriptor_of(service, server::kChannelDescriptor);
    REQUIRE(say(channel, each.packet(zone)));
    CHECK(is_replaced(server, "@service", service, 10s));
    CHECK(answers(server));
    CHECK(server.process().wait_for("is killed: it said what is not for it to say", kPatience));
  }
}

TEST_CASE(
    "taken over: a service process that publishes without end takes no more of the supervisor than one that does not") {
  if (!is_root()) return;
  Server server(kCorefile, {.workers = 2});
  const pid_t supervisor = server.process().pid();
  const std::string zone = zone_memory(process(server, "@dns"));
  const Descriptor channel = descriptor_of(process(server, "@service"), server::kChannelDescriptor);
  const std::vector<pid_t> stopped = children(supervisor, "@dns");
  kill(stopped[0], SIGSTOP);  // takes nothing
  const std::size_t before = descriptors(supervisor);
  const Descriptor forged = memory(true);
  for (const auto until = std::chrono::steady_clock::now() + 2s; std::chrono::steady_clock::now() < until;) {
    if (!say(channel, message::Memory{{MemoryKind::snapshot, zone}, *forged.duplicate()})) {
      std::this_thread::sleep_for(1ms);
    }
    REQUIRE(descriptors(supervisor) <= before + 1000);
  }
  kill(stopped[0], SIGCONT);
  CHECK(wait_until([&] { return descriptors(supervisor) <= before + 4; }, 10s));
  CHECK(server.stop().clean());
}

TEST_CASE(
    "taken over: dns processes and the fetch process have users of their own, no capability, and nobody's secrets") {
  if (!is_root()) return;
  Server server(std::string(kCorefile) + "net:@PORT@ {\n    bind 127.0.0.1\n    forward . 127.0.0.1:1\n}\n",
                {.workers = 2, .environment = {{"SWAGE_TEST_SECRET", "open sesame"}}});
  const pid_t supervisor = server.process().pid();
  const std::vector<pid_t> dns = children(supervisor, "@dns");
  const pid_t service = process(server, "@service"), fetch = process(server, "@fetch");
  REQUIRE(dns.size() == 2);
  REQUIRE(fetch > 0);
  CHECK(status_line(dns[0], "Uid") != status_line(dns[1], "Uid"));
  for (const pid_t pid : {dns[0], dns[1], fetch}) {
    const uid_t uid = static_cast<uid_t>(std::stoul(status_line(pid, "Uid")));
    CHECK(uid >= 60600);
    CHECK(uid <= 61180);
    CHECK((uid == 61180) == (pid == fetch));
    CHECK(status_line(pid, "Gid").starts_with(std::to_string(uid)));
    CHECK(status_line(pid, "Groups").find_first_not_of(" \t") == std::string::npos);
    for (const char* const set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      CHECK(status_line(pid, set) == "0000000000000000");
    }
  }
  for (const pid_t pid : {dns[0], dns[1], fetch, service}) {
    CHECK(status_line(pid, "NoNewPrivs") == "1");
    CHECK(read_file("/proc/" + std::to_string(pid) + "/limits").find("Max core file size        0") !=
          std::string::npos);
    CHECK(read_file("/proc/" + std::to_string(pid) + "/environ").find("SWAGE_TEST_SECRET") == std::string::npos);
  }

  // As the user of either, with all that it has left.
  for (const pid_t taken : {dns[0], fetch})
    CHECK(can_do_nothing(taken, {supervisor, service, dns[1], taken == fetch ? dns[0] : fetch}));
  CHECK(answers(server));
}

TEST_CASE("taken over: without root the processes share a user, and still none can look into another") {
  if (!is_root()) return;
  const passwd* const nobody = getpwnam("nobody");
  REQUIRE(nobody != nullptr);
  const uid_t uid = nobody->pw_uid;
  const Port port;
  const pid_t supervisor = fork();
  if (supervisor == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) _exit(99);
    const std::string at = std::to_string(port.number());
    execl(std::getenv("SWAGE"), "swage", "-conf", "tests/e2e/Corefile.nobody", "-dns.port", at.c_str(), "-quiet",
          nullptr);
    _exit(98);
  }
  REQUIRE(wait_until([&] { return !children(supervisor, "@dns").empty() && !children(supervisor, "@service").empty(); },
                     kPatience));
  std::this_thread::sleep_for(500ms);  // it is set up
  const std::array others = {supervisor, children(supervisor, "@dns").front(),
                             children(supervisor, "@service").front()};
  const pid_t player = fork();
  if (player == 0) {
    if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) _exit(99);
    int succeeded = 0;
    for (const pid_t other : others) {
      for (const char* const what : {"mem", "environ", "fd/3", "maps"}) {
        const std::string path = "/proc/" + std::to_string(other) + "/" + what;
        if (Descriptor(open(path.c_str(), O_RDONLY)).exists()) ++succeeded;
      }
      if (ptrace(PTRACE_ATTACH, other, nullptr, nullptr) == 0) ++succeeded;
    }
    _exit(succeeded);
  }
  int status = 0;
  REQUIRE(waitpid(player, &status, 0) == player);
  CHECK(WEXITSTATUS(status) == 0);
  kill(supervisor, SIGTERM);
  REQUIRE(waitpid(supervisor, &status, 0) == supervisor);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("user: the service process becomes whom the Corefile says") {
  if (!is_root()) return;
  const passwd* const nobody = getpwnam("nobody");
  REQUIRE(nobody != nullptr);
  Server server("a.test {\n bind 127.0.0.1\n user nobody\n whoami\n}\n");
  const pid_t service = process(server, "@service");
  CHECK(status_line(service, "Uid").starts_with(std::to_string(nobody->pw_uid) + "\t"));
  CHECK(status_line(service, "CapEff") == "0000000000000000");
  kill(service, SIGKILL);
  REQUIRE(is_replaced(server, "@service", service, 10s));
  CHECK(wait_until(
      [&] {
        return status_line(process(server, "@service"), "Uid").starts_with(std::to_string(nobody->pw_uid) + "\t");
      },
      10s));

  server.write_corefile("a.test {\n bind 127.0.0.1\n user nobody-has-this-name\n whoami\n}\n");
  server.process().signal(SIGUSR1);
  CHECK(server.process().wait_for("Corefile:3: user: there is no user 'nobody-has-this-name' on this machine",
                                  kPatience));
}
