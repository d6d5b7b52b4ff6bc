#include "core/server/child.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>

#include "core/log.h"
#include "core/server/privileges.h"
#include "core/server/process_metrics.h"
#include "core/shm/segment.h"

namespace swage::server {
namespace {

constexpr unsigned kBeatsACount = 10;
constexpr std::chrono::milliseconds kDrainCheck{10};

// Takes over what the supervisor hands to a child. take() is false for SetUp, the last of it.
class Inheriting {
 public:
  bool take(message::SetUp message) {
    inherited.again = message.again;
    complete = true;
    return false;
  }
  bool take(message::Corefile message) {
    inherited.corefile = std::move(message.path);
    inherited.default_port = message.default_port;
    return keep(read_sources(std::move(message.sources)));
  }
  bool take(message::Library message) {
    inherited.libraries.push_back(std::move(message.library));
    return true;
  }
  bool take(message::Socket message) {
    inherited.sockets.push_back(std::move(message));
    return true;
  }
  bool take(message::Memory message) {
    inherited.memories[std::move(message.name)] = std::move(message.memory);
    return true;
  }
  bool take(message::OwnPiece message) {
    inherited.own_pieces.push_back(std::move(message));
    return true;
  }
  bool take(message::WorkerPiece message) {
    inherited.worker_pieces.push_back(std::move(message));
    return true;
  }
  bool take(message::FetchLine message) {
    inherited.fetch_lines.push_back(std::move(message));
    return true;
  }
  bool take(message::PulsePage message) {
    Result<Pulse> pulse = Pulse::open(std::move(message.page));
    if (!pulse) return keep(pulse);
    inherited.pulse = *std::move(pulse);
    return true;
  }
  bool take(message::OwnMetrics message) {
    inherited.scraper.belong_to(message.generation);
    Result<shm::Segment> memory = shm::Segment::attach(std::move(message.sheet));
    if (!memory) return keep(memory);
    memory->close_descriptor();
    inherited.metrics = std::make_unique<metrics::Registry>(*std::move(memory));
    return true;
  }
  bool take(message::SupervisorMetrics message) { return keep(inherited.scraper.take(std::move(message))); }
  bool take(message::ProcessMetrics message) { return keep(inherited.scraper.take(std::move(message))); }
  bool take(message::PastMetrics message) { return keep(inherited.scraper.take(std::move(message))); }
  bool take(const message::Forbidden&) { return keep(Result<>(fail("an unexpected message from the supervisor"))); }

  Inheritance inherited;
  Result<> sound;
  bool complete = false;

 private:
  Result<> read_sources(Descriptor from) {
    TRY(const shm::Mapping memory, shm::Mapping::open_sealed(std::move(from), shm::Seal::whole));
    TRY(inherited.sources, config::Sources::deserialize(as_text(memory.bytes())));
    return {};
  }
  template <typename T>
  bool keep(const Result<T>& result) {
    if (!result) sound = std::unexpected(result.error());
    return result.has_value();
  }
};

}  // namespace

Result<Inheritance> receive_inheritance(Channel& channel) {
  Inheriting inheriting;
  while (!inheriting.complete) {
    pollfd waiting{channel.socket().get(), POLLIN, 0};
    poll(&waiting, 1, -1);
    TRY(channel.receive([&](Packet packet) {
      return std::visit([&](auto&& message) { return inheriting.take(std::forward<decltype(message)>(message)); },
                        decode<Inherited>(std::move(packet)));
    }));
    TRY(inheriting.sound);
  }
  if (inheriting.inherited.metrics == nullptr) return fail("there is no memory to count in");
  return std::move(inheriting.inherited);
}

Heart::Heart(async::Loop& loop, Pulse& pulse, metrics::Registry& registry)
    : pulse_(pulse), registry_(registry), descriptors_(open_descriptors(registry)), timer_(loop, [this] { beat(); }) {
  beat();
}

void Heart::beat() {
  pulse_.beat();
  if (const auto mistake = registry_.take_mistake()) log::error("{}", mistake->text());
  if (beats_++ % kBeatsACount == 0) count_open_descriptors(descriptors_);
  timer_.start(Pulse::kInterval);
}

Drain::Drain(async::Loop& loop, std::function<bool(std::chrono::nanoseconds)> finish)
    : loop_(loop), finish_(std::move(finish)), timer_(loop, [this] { check(); }) {}

void Drain::within(std::chrono::milliseconds time) {
  until_ = loop_.now() + std::chrono::nanoseconds(time).count();
  check();
}

void Drain::check() {
  const bool finished = finish_(std::chrono::nanoseconds(until_ - loop_.now()));
  if (finished) {
    loop_.stop();
  } else {
    timer_.start(kDrainCheck);
  }
}

void become_child(const std::string& name) {
  become_undumpable();
  gain_nothing();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGUSR1, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  prctl(PR_SET_NAME, name.c_str());
}

}  // namespace swage::server
