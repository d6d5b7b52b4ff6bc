#include "plugins/rrl/rrl.h"

#include <algorithm>
#include <cstring>

#include "core/cookie/cookie.h"
#include "core/log.h"

namespace swage::plugins::rrl {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;  // nanoseconds
constexpr std::array<const char*, kClasses> kNames = {"responses", "NODATA responses", "NXDOMAIN responses",
                                                      "referrals", "errors",           "requests"};

std::uint64_t hash_of(const rates::KeyedHash& hash, dns::NameView name) {
  std::uint64_t sum = name.size();
  for (std::size_t at = 0; at < name.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, name.data() + at, std::min<std::size_t>(8, name.size() - at));
    sum = hash(sum, word);
  }
  return sum;
}

const dns::Record* first_of(const std::vector<dns::Record>& section, dns::Type type) {
  const auto found = std::ranges::find(section, type, &dns::Record::type);
  return found == section.end() ? nullptr : &*found;
}

}  // namespace

// As BIND has it: names that an attacker can make up, below a wildcard, in a zone without them, below a delegation,
// count together; what an error is does not matter.
Account account_of(const Query& query, const Response& response) {
  const dns::NameView qname = query.key;
  if (response.rcode == dns::Rcode::nxdomain) {
    const dns::Record* const soa = first_of(response.authority, dns::Type::soa);
    return {Class::nxdomain, soa == nullptr ? query.zone : soa->owner};
  }
  if (response.rcode != dns::Rcode::noerror) return {Class::error, {}};
  const dns::NameView name = response.wildcard.size() > 1 ? response.wildcard : qname;
  if (!response.answer.empty()) return {Class::response, name, static_cast<std::uint16_t>(query.qtype)};
  const dns::Record* const ns = first_of(response.authority, dns::Type::ns);
  if (ns != nullptr && !response.authoritative) return {Class::referral, ns->owner};
  return {Class::nodata, name};
}

Rrl::Rrl(Settings settings, const shm::Snapshot& secrets, shm::WorkerMemory& memory, metrics::Counters limited)
    : settings_(std::move(settings)), secrets_(secrets), limited_(limited), table_(memory) {}

Result<Outcome> Rrl::serve(const Query& query, Response& response, Next next) const {
  if (!is_limited(query)) return next(query, response);
  if (!allows(query, {Class::request, {}})) {
    const Outcome outcome = limit(Class::request, response);
    if (settings_.report_only) return next(query, response);
    response.rcode = dns::Rcode::noerror;
    return outcome;
  }
  TRY(const Outcome outcome, next(query, response));
  if (outcome != Outcome::send) return outcome;
  const Account account = account_of(query, response);
  if (allows(query, account)) return outcome;
  return limit(account.counts_as, response);
}

bool Rrl::is_limited(const Query& query) const {
  if (query.transport != dns::Transport::udp || query.cookie == dns::Cookie::good) return false;
  if (settings_.exempt.contains(query.client.address)) return false;
  return std::ranges::any_of(settings_.zones, [&](const dns::Name& zone) { return query.qname.is_under(zone); });
}

bool Rrl::allows(const Query& query, const Account& account) const {
  const std::uint32_t rate = settings_.rates[static_cast<std::size_t>(account.counts_as)];
  if (rate == 0) return true;
  const rates::KeyedHash hash(swage::cookie::Secrets(secrets_.bytes()).hash_key());
  const std::uint64_t network = hash(rates::network_bits(query.client.address, settings_.v4_bits, settings_.v6_bits));
  const std::uint64_t what = static_cast<std::uint64_t>(account.counts_as) << 16 | account.type;
  const auto second = static_cast<std::uint32_t>(query.received / kSecond);
  const std::uint64_t key = hash(hash(network, what), hash_of(hash, account.name));
  if (table_.debit(key, {rate, settings_.window}, second) >= 0) [[likely]]
    return true;
  say(query, account, network ^ what, second);
  return false;
}

Outcome Rrl::limit(Class counts_as, Response& response) const {
  enum : std::size_t { dropped, slipped, reported };
  const auto count = [&](std::size_t result) { limited_.at(static_cast<std::size_t>(counts_as), result).add(); };
  if (settings_.report_only) {
    count(reported);
    return Outcome::send;
  }
  if (settings_.slip == 0 || ++slipped_ % settings_.slip != 0) {
    count(dropped);
    return Outcome::drop;
  }
  count(slipped);
  response.ask_over_tcp = true;
  std::erase_if(response.options, [](const dns::EdnsOption& each) { return each.code != dns::kOptionCookie; });
  return Outcome::send;
}

void Rrl::say(const Query& query, const Account& account, std::uint64_t network, std::uint32_t second) const {
  if (!log_.wants(network, second)) return;
  const std::uint8_t bits = query.client.address.is_v6() ? settings_.v6_bits : settings_.v4_bits;
  const std::string text = query.client.address.to_string() + "/" + std::to_string(bits);
  const Result<Prefix> prefix = Prefix::parse(text);
  const auto index = static_cast<std::size_t>(account.counts_as);
  log::info("plugin/rrl: {} {} to {}{}{}: more than {} in a second", settings_.report_only ? "would limit" : "limiting",
            kNames[index], prefix ? prefix->to_string() : text, account.name.size() > 1 ? " for " : "",
            account.name.size() > 1 ? account.name.to_string() : "", settings_.rates[index]);
}

}  // namespace swage::plugins::rrl
