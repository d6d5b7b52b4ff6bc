// What the supervisor and its children say to each other: a struct for each message, and at the end who may say what,
// and when. How a message is written and read is in message_codec.h, how it travels in channel.h.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>

#include "core/descriptor.h"
#include "core/net.h"
#include "core/plugin/fetch.h"
#include "core/plugin/library.h"
#include "core/server/sockets.h"

namespace swage::server {

// What memory is shared, and how.
enum class MemoryKind : std::uint8_t {
  snapshot,  // sealed: it never changes (core/shm/snapshot.h)
  shared,    // changes in place, written by the service process that made it (core/shm/shared.h)
  service,   // the same, for service processes alone
};
constexpr MemoryKind last_of(MemoryKind) { return MemoryKind::service; }

struct MemoryName {
  MemoryKind kind = MemoryKind::snapshot;
  std::string name;
  auto operator<=>(const MemoryName&) const = default;
};

constexpr Fetch::By last_of(Fetch::By) { return Fetch::By::fetch; }
constexpr Purpose last_of(Purpose) { return Purpose::streams; }
constexpr Transport last_of(Transport) { return Transport::tcp; }

// Each has a kKind of its own, and lists its fields in the order in which they are sent; at most one is a descriptor.
namespace message {

// From the supervisor, before SetUp:

struct PulsePage {
  static constexpr char kKind = 'p';
  Descriptor page{};
  static auto fields(auto& self) { return std::tie(self.page); }
};

// Where this process counts; `generation`: of the configuration that it belongs to.
struct OwnMetrics {
  static constexpr char kKind = 'x';
  std::uint32_t generation = 0;
  Descriptor sheet{};
  static auto fields(auto& self) { return std::tie(self.generation, self.sheet); }
};

// The Corefile as it was read, with all that it imports (config::Sources, serialised).
struct Corefile {
  static constexpr char kKind = 'c';
  std::string path{};
  std::uint16_t default_port = 53;
  Descriptor sources{};
  static auto fields(auto& self) { return std::tie(self.path, self.default_port, self.sources); }
};

// A plugin that is a library of its own; in the order in which they come into the chain.
struct Library {
  static constexpr char kKind = 'b';
  PluginLibrary library{};
  static auto fields(auto& self) {
    auto& [place, path, directive, before, file, stamp, image] = self.library;
    return std::tie(place, path, directive, before, file, stamp.seconds, stamp.nanoseconds, stamp.size, stamp.inode,
                    image);
  }
};

// All that was inherited is there: set up, and say Ready or Failed. `again`: this process replaces one of the
// configuration in force.
struct SetUp {
  static constexpr char kKind = 'u';
  bool again = false;
  static auto fields(auto& self) { return std::tie(self.again); }
};

// A bound socket. To a dns process before SetUp; to the service process before Start.
struct Socket {
  static constexpr char kKind = 's';
  Transport transport = Transport::udp;
  Endpoint endpoint{};
  Descriptor socket{};
  static auto fields(auto& self) { return std::tie(self.transport, self.endpoint, self.socket); }
};

// The memory that this dns process writes under this name: it maps it before it says Ready.
struct OwnPiece {
  static constexpr char kKind = 'O';
  std::uint32_t worker = 0;  // which dns process it is
  std::string name{};
  Descriptor piece{};
  static auto fields(auto& self) { return std::tie(self.worker, self.name, self.piece); }
};

// From the supervisor, at any time:

// To dns processes and the service process: what another dns process writes under this name. In place of the one that
// the dns process of that number had before.
struct WorkerPiece {
  static constexpr char kKind = 'P';
  std::uint32_t worker = 0;
  std::string name{};
  Descriptor piece{};
  static auto fields(auto& self) { return std::tie(self.worker, self.name, self.piece); }
};

// To the service process: where the supervisor counts, where another process counts, and the sum of all that have
// ended, `pid` now among them; see scraper.h.
struct SupervisorMetrics {
  static constexpr char kKind = 'y';
  Descriptor sheet{};
  static auto fields(auto& self) { return std::tie(self.sheet); }
};
struct ProcessMetrics {
  static constexpr char kKind = 'q';
  pid_t pid = 0;
  std::uint32_t generation = 0;
  Descriptor sheet{};
  static auto fields(auto& self) { return std::tie(self.pid, self.generation, self.sheet); }
};
struct PastMetrics {
  static constexpr char kKind = 'v';
  pid_t pid = 0;                      // 0: none
  std::optional<Descriptor> sheet{};  // none: as it was
  static auto fields(auto& self) { return std::tie(self.pid, self.sheet); }
};

// To the service process: the configuration is in force, run. To the fetch process: the memory that it provided is with
// the dns processes, run.
struct Start {
  static constexpr char kKind = 'g';
  static auto fields(auto&) { return std::tuple<>(); }
};

// To the service process, before Start: where operators ask (core/control). Who has it accepts from it.
struct ControlSocket {
  static constexpr char kKind = 'C';
  Descriptor socket{};
  static auto fields(auto& self) { return std::tie(self.socket); }
};

// To the service process, before Start and whenever it is news: how many times the Corefile was read again, or is
// being read, how many of them have ended, and how the last one of those has. `problem`: empty where it is in force.
struct Reloads {
  static constexpr char kKind = 'R';
  std::uint64_t begun = 0, settled = 0;
  std::string problem{};
  std::int64_t configured = 0;  // when the configuration in force came to be, seconds since 1970
  static auto fields(auto& self) { return std::tie(self.begun, self.settled, self.problem, self.configured); }
};

// To the service process, when an upgrade has ended: how many have, and how this one did. `successor`: the supervisor
// that serves from now on; `problem`: why there is none.
struct Upgrades {
  static constexpr char kKind = 'K';
  std::uint64_t settled = 0;
  pid_t successor = 0;
  std::string problem{};
  static auto fields(auto& self) { return std::tie(self.settled, self.successor, self.problem); }
};

// To the service process: the server is told to end, and serves on for as long as Lameduck said.
struct Ending {
  static constexpr char kKind = 'e';
  static auto fields(auto&) { return std::tuple<>(); }
};

// One end of a line between a dns process and a process of its configuration that fetches: what is wanted there, and
// what was fetched (fetch_wire.h). A new one takes the place of the one that the dns process had to such a process.
struct FetchLine {
  static constexpr char kKind = 'n';
  std::uint32_t worker = 0;  // which dns process
  Fetch::By by = Fetch::By::service;
  Descriptor socket{};
  static auto fields(auto& self) { return std::tie(self.worker, self.by, self.socket); }
};

// Finish what was begun, then exit. May come again, with less time.
struct Drain {
  static constexpr char kKind = 'd';
  std::chrono::milliseconds within{0};
  static auto fields(auto& self) { return std::tie(self.within); }
};

// From the service process, the fetch process and the supervisor:

// What the memory of this name is from now on.
struct Memory {
  static constexpr char kKind = 'm';
  MemoryName name{};
  Descriptor memory{};
  static auto fields(auto& self) { return std::tie(self.name.kind, self.name.name, self.memory); }
};

// From the service process:

// That there will be such memory. `by`: the process that provides it. Where that is the fetch process, there is to be
// one.
struct Declare {
  static constexpr char kKind = 'a';
  MemoryName name{};
  Fetch::By by = Fetch::By::service;
  static auto fields(auto& self) { return std::tie(self.name.kind, self.name.name, self.by); }
};

// That each dns process is to have memory of so many bytes to write, and the others to read (core/shm/worker_memory.h).
struct DeclareWorkerMemory {
  static constexpr char kKind = 'D';
  std::string name{};
  std::uint64_t size = 0;
  static auto fields(auto& self) { return std::tie(self.name, self.size); }
};

// The memory of this name is what it was in the configuration in force.
struct Keep {
  static constexpr char kKind = 'k';
  MemoryName name{};
  static auto fields(auto& self) { return std::tie(self.name.kind, self.name.name); }
};

// The configuration wants sockets there; `place`: what says so, "FILE:LINE".
struct Listen {
  static constexpr char kKind = 'l';
  Purpose purpose = Purpose::queries;
  Endpoint endpoint{};
  std::string place{};
  static auto fields(auto& self) { return std::tie(self.purpose, self.endpoint, self.place); }
};

// For how long to serve on when the server is told to end.
struct Lameduck {
  static constexpr char kKind = 'w';
  std::chrono::milliseconds time{0};
  static auto fields(auto& self) { return std::tie(self.time); }
};

// A line for the operator about what is served.
struct Serves {
  static constexpr char kKind = 'z';
  std::string line{};
  static auto fields(auto& self) { return std::tie(self.line); }
};

// It could not become another user.
struct StaysRoot {
  static constexpr char kKind = 'o';
  static auto fields(auto&) { return std::tuple<>(); }
};

// It runs, and has sent the memory that takes the place of what was before.
struct Settled {
  static constexpr char kKind = 'i';
  static auto fields(auto&) { return std::tuple<>(); }
};

// Read the Corefile again.
struct Reload {
  static constexpr char kKind = 'h';
  static auto fields(auto&) { return std::tuple<>(); }
};

// The program that lies at the supervisor's path is to take its place.
struct Upgrade {
  static constexpr char kKind = 'N';
  static auto fields(auto&) { return std::tuple<>(); }
};

// Also to the fetch process: forget what was fetched for names at and below `zone`, in presentation format.
struct Forget {
  static constexpr char kKind = 'F';
  std::string zone{};
  static auto fields(auto& self) { return std::tie(self.zone); }
};

// The server can do nothing but harm: end it. Obeyed in the first minute of the first configuration alone.
struct End {
  static constexpr char kKind = 'j';
  std::string why{};
  static auto fields(auto& self) { return std::tie(self.why); }
};

// Between a supervisor and the one that takes its place (core/server/handover.h). What follows the first message is
// Memory, ProcessMetrics and PastMetrics, too, and back comes Ready.

// First. A supervisor that does not know this version takes nothing over.
struct TakeOver {
  static constexpr char kKind = 'T';
  static constexpr std::uint32_t kVersion = 1;
  std::uint32_t version = kVersion;
  std::uint32_t generations_begun = 0;  // the next configuration's number is greater
  static auto fields(auto& self) { return std::tie(self.version, self.generations_begun); }
};

// An open socket; those of the same transport and address in the order of the dns processes.
struct HeldSocket {
  static constexpr char kKind = 'H';
  Transport transport = Transport::udp;
  Endpoint endpoint{};
  Descriptor socket{};
  static auto fields(auto& self) { return std::tie(self.transport, self.endpoint, self.socket); }
};

// The socket of -control, which is listened at there.
struct HeldControl {
  static constexpr char kKind = 'C';
  std::string path{};
  Descriptor socket{};
  static auto fields(auto& self) { return std::tie(self.path, self.socket); }
};

// All there was is there: begin.
struct HandedOver {
  static constexpr char kKind = 'U';
  static auto fields(auto&) { return std::tuple<>(); }
};

// A child of the one that leaves has ended: nothing more is counted in its ProcessMetrics.
struct ProcessEnded {
  static constexpr char kKind = 'E';
  pid_t pid = 0;
  static auto fields(auto& self) { return std::tie(self.pid); }
};

// From any child, once: one of them.

struct Ready {
  static constexpr char kKind = 'r';
  static auto fields(auto&) { return std::tuple<>(); }
};
struct Failed {  // the child exits
  static constexpr char kKind = 'f';
  std::string why{};
  static auto fields(auto& self) { return std::tie(self.why); }
};

// What a sender may not say in its state, or what cannot be read.
struct Forbidden {};

}  // namespace message

// What a child inherits, up to SetUp.
using Inherited =
    std::variant<message::Forbidden, message::PulsePage, message::OwnMetrics, message::SupervisorMetrics,
                 message::ProcessMetrics, message::PastMetrics, message::Corefile, message::Library, message::Socket,
                 message::Memory, message::OwnPiece, message::WorkerPiece, message::FetchLine, message::SetUp>;
// What it hears afterwards.
using ToDns =
    std::variant<message::Forbidden, message::Memory, message::WorkerPiece, message::FetchLine, message::Drain>;
using ToFetch = std::variant<message::Forbidden, message::FetchLine, message::Start, message::Forget, message::Drain>;
using ToService = std::variant<message::Forbidden, message::Memory, message::WorkerPiece, message::FetchLine,
                               message::Socket, message::ProcessMetrics, message::PastMetrics, message::ControlSocket,
                               message::Reloads, message::Upgrades, message::Start, message::Ending, message::Drain>;

// What a supervisor hears from the one whose place it takes, and that from it. Both are programs of the operator's.
using FromPredecessor = std::variant<message::Forbidden, message::TakeOver, message::HeldSocket, message::HeldControl,
                                     message::Memory, message::ProcessMetrics, message::PastMetrics,
                                     message::HandedOver, message::ProcessEnded, message::Start>;
using FromSuccessor = std::variant<message::Forbidden, message::Ready>;

// What the supervisor takes from a child. Children talk to strangers, and may have been taken over: one that says
// anything else is killed, and replaced. Memory and Keep are taken for names that were declared, of the process that
// was declared to provide them.
using FromDnsSettingUp = std::variant<message::Forbidden, message::Ready, message::Failed>;
using FromDnsServing = std::variant<message::Forbidden>;
using FromFetchSettingUp = std::variant<message::Forbidden, message::Memory, message::Ready, message::Failed>;
using FromFetchRunning = std::variant<message::Forbidden>;
using FromServiceSettingUp = std::variant<message::Forbidden, message::Declare, message::DeclareWorkerMemory,
                                          message::Memory, message::Keep, message::Listen, message::Lameduck,
                                          message::Serves, message::StaysRoot, message::Ready, message::Failed>;
using FromServiceRunning = std::variant<message::Forbidden, message::Memory, message::Settled, message::Reload,
                                        message::Upgrade, message::Forget, message::End>;

}  // namespace swage::server
