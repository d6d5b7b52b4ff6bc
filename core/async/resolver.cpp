#include "core/async/resolver.h"

#include <ares.h>

#include <algorithm>
#include <map>
#include <optional>

#include "core/async/socket_watch.h"
#include "core/counted.h"
#include "core/text.h"

namespace swage::async {
namespace {

bool is_of_label(char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; }

int family_of(Resolver::Family family) {
  switch (family) {
    case Resolver::Family::v4:
      return AF_INET;
    case Resolver::Family::v6:
      return AF_INET6;
    case Resolver::Family::any:
      break;
  }
  return AF_UNSPEC;
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (std::string_view rest = name;;) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty() || label.size() > 63 || !std::ranges::all_of(label, is_of_label)) return false;
    if (label.size() == rest.size()) return !is_decimal(label);
    rest.remove_prefix(label.size() + 1);
  }
}

// One name on its way, in the frame of resolve(). It has a channel of c-ares to itself, because a channel cannot drop
// one query of many, and sends all of them from one port; and so sees at once what changed in /etc/resolv.conf.
class Resolver::Lookup : private Waiter {
 public:
  explicit Lookup(Resolver& resolver);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  void begin(const std::string& name, Family family);

  [[nodiscard]] bool await_ready() const { return result_.has_value(); }
  void await_suspend(std::coroutine_handle<> awaiting) {
    coroutine = awaiting;
    join(resolver_->lookups_);
  }
  [[nodiscard]] Result<std::vector<IpAddress>> await_resume() { return *std::move(result_); }

  void finish(Result<std::vector<IpAddress>> result);

 private:
  friend Resolver;

  [[nodiscard]] int open();
  void watch(int fd, bool readable, bool writable);
  void process(int readable, int writable);
  void answered(int status, ares_addrinfo* answer);

  Loop& loop_;
  Resolver* resolver_;  // nullptr when finished
  const Settings& settings() const { return resolver_->settings_; }
  ares_channel channel_ = nullptr;
  std::map<int, SocketWatch> watches_;  // of c-ares, which opens and closes the sockets
  Timer timer_;                         // of c-ares
  Timer deadline_;                      // of the whole
  std::optional<Result<std::vector<IpAddress>>> result_;
};

Resolver::Lookup::Lookup(Resolver& resolver)
    : loop_(resolver.loop_),
      resolver_(&resolver),
      timer_(loop_, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }),
      deadline_(loop_, [this] { finish(fail("timed out")); }) {
  ++resolver.count_;
}

Resolver::Lookup::~Lookup() {
  finish(fail("cancelled"));
  if (channel_ != nullptr) ares_destroy(channel_);  // calls back: answered() and watch()
}

void Resolver::Lookup::finish(Result<std::vector<IpAddress>> result) {
  if (result_) return;
  result_ = std::move(result);
  --std::exchange(resolver_, nullptr)->count_;
  if (!alone()) loop_.wake(*this);
}

int Resolver::Lookup::open() {
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = static_cast<int>(settings().try_timeout.count());
  options.tries = settings().tries;
  options.ndomains = 0;
  std::string lookups = settings().hosts_file ? "fb" : "b";
  options.lookups = lookups.data();
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* lookup, ares_socket_t fd, int readable, int writable) {
    static_cast<Lookup*>(lookup)->watch(fd, readable != 0, writable != 0);
  };
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS |
                   ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
    channel_ = nullptr;
    return status;
  }
  if (settings().servers.empty()) return ARES_SUCCESS;
  std::string servers;
  for (const Endpoint& server : settings().servers) servers += (servers.empty() ? "" : ",") + server.to_string();
  return ares_set_servers_ports_csv(channel_, servers.c_str());
}

void Resolver::Lookup::begin(const std::string& name, Family family) {
  if (const int status = open(); status != ARES_SUCCESS) return finish(fail("{}", ares_strerror(status)));
  ares_addrinfo_hints hints{};
  hints.ai_flags = ARES_AI_NOSORT;  // which would open sockets
  hints.ai_family = family_of(family);
  const auto call_back = [](void* lookup, int status, int, ares_addrinfo* answer) {
    static_cast<Lookup*>(lookup)->answered(status, answer);
  };
  deadline_.start(settings().timeout);
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, call_back, this);
  process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void Resolver::Lookup::watch(int fd, bool readable, bool writable) {
  if (!readable && !writable) {
    watches_.erase(fd);
    return;
  }
  const auto ready = [this, fd](SocketWatch::Found found) {
    const bool reads = found.readable || found.failed;  // an error is met by reading
    process(reads ? fd : ARES_SOCKET_BAD, found.writable ? fd : ARES_SOCKET_BAD);
  };
  watches_.try_emplace(fd, loop_, fd, ready).first->second.want({readable, writable});
}

// Has c-ares read, write and look at the time; and asks when it wants to do so again.
void Resolver::Lookup::process(int readable, int writable) {
  ares_process_fd(channel_, readable, writable);
  timeval time{};
  if (ares_timeout(channel_, nullptr, &time) == nullptr) return timer_.stop();
  timer_.start(std::chrono::milliseconds(time.tv_sec * 1000 + time.tv_usec / 1000 + 1));
}

void Resolver::Lookup::answered(int status, ares_addrinfo* answer) {
  std::vector<IpAddress> addresses;
  const ares_addrinfo_node* node = answer == nullptr ? nullptr : answer->nodes;
  const std::size_t most = resolver_ == nullptr ? 0 : settings().answers;
  for (; node != nullptr && addresses.size() < most; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    const IpAddress address = Endpoint::from_sockaddr(node->ai_addr).address;
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  if (answer != nullptr) ares_freeaddrinfo(answer);
  if (!addresses.empty()) return finish(std::move(addresses));
  finish(fail("{}", ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status)));
}

Resolver::Resolver(Loop& loop) : Resolver(loop, Settings{}) {}

Resolver::Resolver(Loop& loop, Settings settings) : loop_(loop), settings_(std::move(settings)) {}

Resolver::~Resolver() {
  while (!lookups_.alone()) static_cast<Lookup&>(static_cast<Waiter&>(lookups_.first())).finish(fail("cancelled"));
}

Task<Result<std::vector<IpAddress>>> Resolver::resolve(std::string name, Family family) {
  if (!is_host_name(name)) co_return fail("not a host name, of {}", counted(name.size(), "character"));
  if (count_ >= settings_.lookups) co_return fail("{}: too many names at once", name);
  Lookup lookup(*this);
  lookup.begin(name, family);
  auto addresses = co_await lookup;
  if (!addresses) co_return fail("{}: {}", name, addresses.error().text());
  co_return addresses;
}

}  // namespace swage::async
