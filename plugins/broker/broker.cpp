#include "plugins/broker/broker.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/async/tasks.h"
#include "core/async/work.h"
#include "core/forge/access_token.h"
#include "core/http/server.h"
#include "core/log.h"
#include "plugins/broker/api.h"
#include "plugins/broker/provisional_certificate.h"
#include "plugins/broker/secret_file.h"

namespace swage::plugins::broker {

using namespace std::chrono_literals;

namespace {

constexpr auto kRetry = 2s;         // after a prepare() that failed
constexpr auto kApologize = 500ms;  // to say 503 to those whose registrations are under way at the end

std::string endpoints_text(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const Endpoint& each : endpoints) text += (text.empty() ? "" : " ") + each.to_string();
  return text;
}

async::Task<> set_when_any(async::Event& one, async::Event& other, async::Event& effect) {
  co_await async::any_of(one, other);
  effect.set();
}

// As a renewed one was read.
struct Certificate {
  async::TlsContext context;
  Result<crypto::ChainReport> report;
};

// Ends when the caller is gone, and when the broker has to.
Reaching reach_until(dial::Dialer& dialer, async::Event& last_call, libp2p::PeerId peer,
                     std::vector<std::string> addresses, IpAddress client, async::Event& gone) {
  async::Event cancel(gone.loop());
  async::Tasks watching;
  watching.start(set_when_any(gone, last_call, cancel));
  co_return co_await dialer.reach(peer, std::move(addresses), client, cancel);
}

}  // namespace

Result<> Broker::prepare() {
  const Result<> read = read_files();
  if (!read) return std::unexpected(settings_.directive.error(read.error().text()));
  ready_ = true;
  return {};
}

Result<> Broker::read_files() {
  TRY(secret_, find_secret());
  TRY(access_token_, find_access_token());
  return read_certificate();
}

// One that is got by ACME may not be there yet.
Result<> Broker::read_certificate() {
  certified_ = true;
  if (!settings_.certificate) return {};
  certificate_files_.remember();
  const std::string& path = settings_.certificate->chain();
  const bool is_missing = settings_.automatic && access(path.c_str(), F_OK) != 0;
  Result<async::TlsContext> context = is_missing ? fail("{}: is not there yet", path) : settings_.certificate->load();
  certified_ = context.has_value();
  if (!context && settings_.automatic) {
    if (!is_missing) log::error("plugin/{}: {}", settings_.name, context.error().text());
    context = provisional_certificate(settings_.domain);
  }
  TRY(tls_, std::move(context));
  if (certified_) tell(settings_.certificate->judge(settings_.domain));
  return {};
}

// What clients will not like does not keep the server from starting: its operator may be about to mend it.
void Broker::tell(const Result<crypto::ChainReport>& certificate) const {
  if (!certificate) return;  // gone in this moment: the next look will tell
  settings_.certificate_expiry.set(static_cast<double>(certificate->expires));
  if (settings_.automatic) return;  // who gets it says what is wrong
  for (const std::string& objection : certificate->objections) {
    const std::string text = fmt::format("broker: {}: {}", settings_.certificate->chain(), objection);
    log::warning("{}", settings_.directive.error(text).text());
  }
}

Result<crypto::Secret> Broker::find_secret() {
  if (!settings_.secret_file.empty()) return read_secret(settings_.secret_file, settings_.name);
  if (forge::ChallengeStore(challenges_).is_shared()) {
    log::warning("plugin/{}: {}: other servers have the same challenges, and need the same 'secret FILE'",
                 settings_.name, settings_.domain);
  }
  if (challenges_.place().empty()) return keep_secret(kept_secret_, random_);
  const std::string path = challenges_.place() + ".secret";
  if (kept_secret_.lasts() || access(path.c_str(), F_OK) == 0) {
    return read_or_make_secret(path, random_, settings_.name);
  }
  return keep_secret(kept_secret_, random_);  // a file is not made for `swage -check`
}

Result<std::optional<crypto::Secret>> Broker::find_access_token() const {
  if (!settings_.access_token_file.empty()) return read_access_token(settings_.access_token_file, settings_.name);
  const char* const token = std::getenv(forge::kAccessTokenVariable);
  if (token == nullptr || *token == '\0') return std::nullopt;
  return parse_access_token(token, forge::kAccessTokenVariable);
}

Rules Broker::rules() {
  Rules rules{settings_.trusted_proxies, settings_.peer_limit, settings_.client_limit, std::move(access_token_)};
  rules.denylist = denylist_;
  return rules;
}

Result<> Broker::listen(Host& host, http::Server& server) const {
  std::size_t count = 0;
  for (const Endpoint& each : settings_.listen) {
    std::optional<Descriptor> socket = host.take_listening_socket(each);
    if (!socket) continue;  // no IPv6 here
    server.listen(socket->release());
    ++count;
  }
  if (count == 0) return fail("{}: no socket to listen on", settings_.domain);
  return {};
}

// A service process that takes the place of one that died goes on without what prepare() could not read: it may come.
// False: stopped before that.
async::Task<bool> Broker::readied(Host& host) {
  while (!ready_) {
    const bool stopped = co_await host.stopping(kRetry);
    if (stopped) co_return false;
    const Result<> again = prepare();
    if (!again) log::error("plugin/{}: {}", settings_.name, again.error().text());
  }
  co_return true;
}

async::Task<Result<>> Broker::run(Host& host) {
  const bool ready = co_await readied(host);
  if (!ready) co_return Result<>();
  co_return co_await serve(host);
}

async::Task<Result<>> Broker::serve(Host& host) {
  dial::Settings dial = settings_.dial;
  dial.agent = "swage/" SWAGE_VERSION;
  dial.on_identified = [this](const libp2p::PeerId& peer, const std::string& agent) {
    journal_.identified(peer, agent);
  };
  dial::Dialer dialer(host.loop(), libp2p::PrivateKey::generate(libp2p::KeyType::ed25519), std::move(dial));
  Dialling dialling;
  dialling.reach = [&host, &dialer](libp2p::PeerId peer, std::vector<std::string> addresses, const IpAddress& client,
                                    async::Event& gone) {
    return reach_until(dialer, host.last_call(), peer, std::move(addresses), client, gone);
  };
  dialling.has_room = [&dialer](const IpAddress& client) { return dialer.has_room(client); };
  const bool open = !access_token_;
  Registrar registrar(rules(), libp2p::PeerIdAuth(*secret_, {settings_.domain}), forge::ChallengeStore(challenges_),
                      std::move(dialling), Clocks::system(), random_, journal_);
  Api api(registrar, forge::ChallengeStore(challenges_), measures_,
          settings_.from_p2p_forge ? AccessLog(settings_.name) : AccessLog(), Cors(settings_.cors));
  api.needs([this] { return certified_; });
  http::Limits limits;
  limits.proxies = settings_.trusted_proxies;
  if (const auto& policy = limits.proxy_protocol = settings_.proxy_protocol) {
    limits.proxies.insert(limits.proxies.end(), policy->allowed.begin(), policy->allowed.end());
  }
  http::Server server(host.loop(), limits, [&api](http::Request request, http::Caller& caller) {
    return api.answer(std::move(request), caller);
  });
  server.on_refusal([this](const IpAddress& connection, unsigned status, std::string_view why) {
    journal_.refused(Measures::Unproven::http, connection, status, why);
  });
  server.use(tls_);
  CO_TRY(listen(host, server));
  say_open(open);
  {
    async::Tasks following;
    if (settings_.certificate) following.start(follow_certificate(host, server));
    co_await host.stopping().wait();
  }
  server.drain();
  co_await async::any_of(server.drained(), host.last_call());
  co_await async::wait_for(server.drained(), kApologize);
  journal_.close();
  co_return Result<>();
}

// In p2p-forge's words where the Corefile is one of its.
void Broker::say_open(bool open) const {
  if (settings_.from_p2p_forge) {
    if (open) {
      log::write(fmt::format("NOTE: environment variable {} not set, registration is open to all peers",
                             forge::kAccessTokenVariable));
    }
    log::info("plugin/{}: Registration HTTP API (/v1/_acme-challenge) listener at {}", settings_.name,
              settings_.listen.back().to_string());
  } else {
    log::info("plugin/broker: {}: on {}; {}", settings_.domain, endpoints_text(settings_.listen),
              open ? "all peers may register" : "an access token is asked for");
  }
}

async::Task<> Broker::follow_certificate(Host& host, http::Server& server) {
  const auto load = [this]() -> Result<Certificate> {
    TRY(async::TlsContext context, settings_.certificate->load());
    return Certificate{std::move(context), settings_.certificate->judge(settings_.domain)};
  };
  const auto take = [this, &server](Result<Certificate> certificate) -> Result<> {
    if (!certificate) return fail("{}; the certificate before stays in use", certificate.error().text());
    server.use(std::move(certificate->context));
    certified_ = true;
    log::info("plugin/{}: {}: new certificate from {}", settings_.name, settings_.domain,
              settings_.certificate->chain());
    tell(certificate->report);
    return {};
  };
  co_await follow(host, certificate_files_, load, take);
}

}  // namespace swage::plugins::broker
