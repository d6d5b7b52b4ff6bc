// The program swage-peer: docs/swage-peer.md.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/async/loop.h"
#include "core/async/tls.h"
#include "core/crypto/random.h"
#include "core/log.h"
#include "core/peer/key_file.h"
#include "core/peer/node.h"
#include "core/peer/options.h"
#include "core/peer/registration.h"
#include "core/whole_file.h"

namespace swage::peer {
namespace {

enum Exit { kDone = 0, kRefused = 1, kUsage = 2, kNetwork = 3 };

int complain(Exit status, const Error& error) {
  std::fprintf(stderr, "swage-peer: %s\n", error.text().c_str());
  return status;
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);  // the reader of the line may be at the end of a pipe
}

Result<libp2p::PrivateKey> key_for(const Options& options) {
  if (!options.key_file.empty()) return load_or_make_key(options.key_file, options.key_type);
  return libp2p::PrivateKey::generate(options.key_type.value_or(libp2p::KeyType::ed25519));
}

constexpr std::size_t kMaxAuthorities = std::size_t{16} << 20;  // bytes

Result<std::string> read_authorities(const std::string& path) {
  TRY(std::string pem, read_whole_file(path, kMaxAuthorities));
  if (pem.empty()) return fail("{}: is empty", path);
  return pem;
}

Result<std::optional<async::TlsContext>> tls_for(const Options& options) {
  if (!options.broker || !options.broker->https) return std::nullopt;
  std::string authorities;
  if (!options.ca_file.empty()) {
    TRY(authorities, read_authorities(options.ca_file));
  }
  auto context = async::TlsContext::client(authorities, {"http/1.1"});
  if (!context) return fail("{}: {}", options.ca_file.empty() ? "TLS" : options.ca_file, context.error().text());
  return *std::move(context);
}

Result<std::string> access_token() {
  const char* const value = std::getenv("FORGE_ACCESS_TOKEN");
  std::string token = value ? value : "";
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  if (std::ranges::any_of(token, is_control)) return fail("FORGE_ACCESS_TOKEN: it has control characters");
  return token;
}

// One run: the node that listens, and what it registers.
class Run {
 public:
  Run(Options options, libp2p::PrivateKey key) : options_(std::move(options)), key_(std::move(key)) {}

  int run() {
    auto tls = tls_for(options_);
    if (!tls) return complain(kUsage, tls.error());
    tls_ = *std::move(tls);
    auto token = access_token();
    if (!token) return complain(kUsage, token.error());
    token_ = *std::move(token);
    if (options_.listens) {
      Node::Settings settings;
      settings.listen = options_.listen;
      settings.noise = options_.noise;
      settings.tls = options_.tls;
      settings.agent = "swage-peer/" SWAGE_VERSION;
      auto node = Node::start(loop_, key_, std::move(settings));
      if (!node) return complain(kNetwork, node.error());
      node_ = *std::move(node);
    }
    if (options_.broker) {
      loop_.spawn(register_and_stop());
    } else {
      const std::string id = key_.public_key().peer_id().to_base58();
      for (const auto& address : node_->addresses())
        say(fmt::format("listening on {}/p2p/{}", address.to_string(), id));
    }
    loop_.run();
    return status_;
  }

 private:
  async::Task<> register_and_stop() {
    const auto outcome = co_await register_value(loop_, key_, registration(), random_);
    if (outcome) {
      say(fmt::format("registered {} for {}", options_.value, key_.public_key().peer_id().to_base58()));
    } else {
      status_ = outcome.error().kind() == RegistrationError::Kind::refused ? kRefused : kNetwork;
      complain(static_cast<Exit>(status_), outcome.error());
    }
    loop_.stop();
  }

  // Nothing was refused, but nothing was registered either.
  void stopped() {
    if (options_.broker) status_ = complain(kNetwork, Error("stopped by a signal"));
    loop_.stop();
  }

  [[nodiscard]] Registration registration() const {
    Registration registration;
    registration.broker = *options_.broker;
    registration.dialect = options_.dialect;
    registration.timeout = options_.timeout;
    registration.tls = tls_;
    Submission& submission = registration.submission;
    submission.url = *options_.broker;
    if (!options_.host.empty()) submission.url = options_.broker->with_host(options_.host).value();  // it was parsed
    submission.value = options_.value;
    submission.addresses = options_.announce;
    submission.token = token_;
    if (submission.addresses.empty()) {
      for (const auto& address : node_->addresses()) submission.addresses.push_back(address.to_string());
    }
    return registration;
  }

  Options options_;
  libp2p::PrivateKey key_;
  crypto::SystemRandom random_;
  std::optional<async::TlsContext> tls_;
  std::string token_;
  async::Loop loop_;
  async::Signal terminated_{loop_, SIGTERM, [this] { stopped(); }};
  async::Signal interrupted_{loop_, SIGINT, [this] { stopped(); }};
  std::unique_ptr<Node> node_;
  int status_ = kDone;
};

int print_id(const libp2p::PrivateKey& key) {
  const libp2p::PeerId id = key.public_key().peer_id();
  say(id.to_base58());
  say(id.to_base36());
  return kDone;
}

int run(std::span<const char* const> arguments) {
  Result<Options> options = parse_options(arguments);
  if (!options) return complain(kUsage, options.error());
  if (options->action == Options::Action::print_help) {
    std::printf("%s", help().data());
    return kDone;
  }
  if (options->action == Options::Action::print_version) {
    say("swage-peer-" SWAGE_VERSION);
    return kDone;
  }
  Result<libp2p::PrivateKey> key = key_for(*options);
  if (!key) return complain(kUsage, key.error());
  if (options->action == Options::Action::print_id) return print_id(*key);
  const int status = Run(*std::move(options), *std::move(key)).run();
  log::flush();
  return status;
}

}  // namespace
}  // namespace swage::peer

int main(int count, char** arguments) {
  // A hook may be started without standard streams: no socket shall get their numbers.
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd >= 0) close(fd);
  return swage::peer::run({arguments + 1, static_cast<std::size_t>(count - 1)});
}
