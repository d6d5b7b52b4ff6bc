#include "core/server/child.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "core/server/privileges.h"
#include "core/server/process_metrics.h"
#include "core/shm/segment.h"

namespace swage::server {
namespace {

constexpr unsigned kBeatsACount = 10;

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
  if (error != std::errc() || end != text.end()) return fail("not a port: '{}'", text);
  return port;
}

Result<> take(Message message, Inheritance& inheritance) {
  const std::string_view text = message.text;
  const std::size_t space = text.find(' ');
  switch (message.kind) {
    case Message::Kind::corefile: {
      TRY(inheritance.default_port, parse_port(text.substr(0, space)));
      inheritance.corefile = text.substr(space + 1);
      TRY(const shm::Segment memory,
          shm::Segment::open_sealed(message.descriptor.release(), shm::Segment::Seal::whole));
      TRY(inheritance.sources, config::Sources::deserialize(as_text(memory.bytes())));
      return {};
    }
    case Message::Kind::socket: {
      TRY(const Endpoint endpoint, parse_endpoint(text.substr(space + 1)));
      inheritance.sockets.push_back({std::string(text.substr(0, space)), endpoint, std::move(message.descriptor)});
      return {};
    }
    case Message::Kind::snapshot:
      inheritance.snapshots[message.text] = std::move(message.descriptor);
      return {};
    case Message::Kind::shared:
      inheritance.shared[message.text] = std::move(message.descriptor);
      return {};
    case Message::Kind::metrics:
      inheritance.metrics.push_back(std::move(message));
      return {};
    case Message::Kind::pulse: {
      TRY(inheritance.pulse, Pulse::open(std::move(message.descriptor)));
      return {};
    }
    default:
      return fail("unexpected message '{}' from the supervisor", static_cast<char>(message.kind));
  }
}

}  // namespace

std::string endpoint_text(const Endpoint& endpoint) {
  return fmt::format("{} {}", endpoint.address.to_string(), endpoint.port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return fail("not an endpoint: '{}'", text);
  Endpoint endpoint;
  TRY(endpoint.address, IpAddress::parse(text.substr(0, space)));
  const std::string_view rest = text.substr(space + 1);
  TRY(endpoint.port, parse_port(rest.substr(0, rest.find(' '))));
  return endpoint;
}

std::string place_in(std::string_view text) {
  const std::size_t first = text.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : text.find(' ', first + 1);
  return second == std::string_view::npos ? "" : std::string(text.substr(second + 1));
}

std::chrono::milliseconds drain_time(const Message& message) {
  std::uint32_t milliseconds = 0;
  std::from_chars(message.text.data(), message.text.data() + message.text.size(), milliseconds);
  return std::chrono::milliseconds(milliseconds);
}

Result<Inheritance> receive_inheritance(Channel& channel) {
  Inheritance inheritance;
  while (true) {
    pollfd waiting{channel.fd(), POLLIN, 0};
    poll(&waiting, 1, -1);
    TRY(std::optional<Message> message, channel.receive());
    if (!message) continue;
    if (message->kind == Message::Kind::set_up) {
      inheritance.again = message->text == "again";
      return inheritance;
    }
    TRY(take(std::move(*message), inheritance));
  }
}

Result<std::unique_ptr<metrics::Registry>> take_own_metrics(Inheritance& inheritance) {
  if (inheritance.metrics.empty()) return fail("there is no memory to count in");
  TRY(shm::Segment memory,
      shm::Segment::attach(inheritance.metrics.front().descriptor.release(), shm::Segment::Access::write));
  memory.close_descriptor();
  return std::make_unique<metrics::Registry>(std::move(memory));
}

Heart::Heart(async::Loop& loop, Pulse pulse, metrics::Registry& registry)
    : pulse_(std::move(pulse)), descriptors_(open_descriptors(registry)), timer_(loop, [this] { beat(); }) {
  beat();
}

void Heart::beat() {
  pulse_.beat();
  if (beats_++ % kBeatsACount == 0) count_open_descriptors(descriptors_);
  timer_.start(Pulse::kInterval);
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
