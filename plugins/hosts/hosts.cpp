#include "plugins/hosts/hosts.h"

#include <unistd.h>

#include <cerrno>

#include "core/counted.h"
#include "core/dns/zones.h"
#include "core/log.h"
#include "plugins/hosts/hosts_builder.h"
#include "plugins/hosts/hosts_file.h"
#include "plugins/hosts/reverse_name.h"

namespace swage::plugins::hosts {

using dns::Type;

namespace {

bool has_rdata(const std::vector<dns::Record>& records, Bytes rdata) {
  return std::ranges::any_of(records, [&](const dns::Record& each) { return std::ranges::equal(each.rdata, rdata); });
}

}  // namespace

HostsImage Hosts::from_corefile() const {
  const auto& image = settings_.inline_image;
  return HostsImage(Bytes(reinterpret_cast<const std::uint8_t*>(image.data()), image.size() * sizeof image[0]));
}

// Those of the file, then those of the Corefile, each once.
void Hosts::add_addresses(const Query& query, Response& response) const {
  const std::size_t size = query.qtype == Type::aaaa ? 16 : 4;
  for (const HostsImage& image : {from_file(), from_corefile()}) {
    const std::size_t before = response.answer.size();
    Bytes addresses = image.addresses(query.key, query.qtype == Type::aaaa);
    for (; !addresses.empty(); addresses = addresses.subspan(size)) {
      if (before != 0 && has_rdata(response.answer, addresses.first(size))) continue;
      response.answer.push_back(
          {.owner = query.qname, .type = query.qtype, .ttl = settings_.ttl, .rdata = addresses.first(size)});
    }
  }
}

bool Hosts::add_names(const Query& query, Response& response) const {
  const auto address = parse_reverse_name(query.key);
  if (!address || !settings_.reverse) return false;
  for (const HostsImage& image : {from_file(), from_corefile()}) {
    const std::size_t before = response.answer.size();
    image.names(*address, [&](dns::NameView name) {
      if (!dns::is_under_any(name, settings_.zones)) return;
      if (before != 0 && has_rdata(response.answer, name.bytes())) return;
      response.answer.push_back({.owner = query.qname, .type = Type::ptr, .ttl = settings_.ttl, .rdata = name.bytes()});
    });
  }
  return !response.answer.empty();
}

bool Hosts::exists(const Query& query) const {
  for (const HostsImage& image : {from_file(), from_corefile()}) {
    if (!image.addresses(query.key, false).empty() || !image.addresses(query.key, true).empty()) return true;
  }
  return false;
}

// For a name of a file that has no other records.
std::span<const Type> Hosts::types_of(const Query& query) const {
  static constexpr std::array kBoth = {Type::a, Type::aaaa};
  bool a = false, aaaa = false;
  for (const HostsImage& image : {from_file(), from_corefile()}) {
    a = a || !image.addresses(query.key, false).empty();
    aaaa = aaaa || !image.addresses(query.key, true).empty();
  }
  return std::span(kBoth).subspan(a ? 0 : 1, (a ? 1U : 0U) + (aaaa ? 1U : 0U));
}

Result<Outcome> Hosts::serve(const Query& query, Response& response, Next next) const {
  if (query.qclass != dns::Class::in) return next(query, response);
  // Whatever its zone: reverse names are in none of those of the names.
  const bool has_names = query.qtype == Type::ptr && add_names(query, response);
  if (!has_names) {
    if (!dns::is_under_any(query.key, settings_.zones)) return next(query, response);
    const bool falls_through = dns::is_under_any(query.key, settings_.fallthrough);
    if (query.qtype == Type::a || query.qtype == Type::aaaa) {
      add_addresses(query, response);
    } else if (falls_through && settings_.fallthrough_unsupported) {
      return next(query, response);
    }
    if (response.answer.empty() && !exists(query)) {
      if (falls_through || query.qtype == Type::ptr) return next(query, response);
      // There is no SOA for an NXDOMAIN: as CoreDNS has it.
      response.rcode = dns::Rcode::servfail;
      return Outcome::send;
    }
  }
  response.rcode = dns::Rcode::noerror;
  response.authoritative = true;
  if (query.edns.dnssec_ok && response.answer.empty()) response.types = types_of(query);
  return Outcome::send;
}

struct HostsService::Loaded {
  shm::Segment image;
  std::size_t names = 0, entries = 0;
  LeftOut left_out;
};

Result<> HostsService::prepare() {
  file_.remember();
  if (access(path_.c_str(), F_OK) != 0 && errno == ENOENT) {
    if (!snapshot_.bytes().empty()) {  // of the configuration before
      log::error("plugin/hosts: {} does not exist; the entries stay as they were", path_);
      return snapshot_.keep();
    }
    if (path_given_) log::warning("plugin/hosts: {} does not exist; it is read as soon as it does", path_);
    return {};
  }
  Result<Loaded> loaded = load();
  if (!loaded) return std::unexpected(directive_.error(loaded.error().text()));
  return publish(*std::move(loaded));
}

async::Task<Result<>> HostsService::run(Host& host) {
  const auto read = [this] { return load(); };
  const auto take = [this](Result<Loaded> loaded) {
    Result<> done = loaded ? publish(*std::move(loaded)) : Result<>(std::unexpected(loaded.error()));
    return done ? done : fail("{}; the entries stay as they were", done.error().text());
  };
  co_await follow(host, file_, read, take);
  co_return Result<>();
}

// On any thread.
Result<HostsService::Loaded> HostsService::load() const {
  Loaded loaded;
  HostsBuilder builder;
  TRY(loaded.left_out, read_hosts_file(path_, builder));
  builder.finish();
  TRY(loaded.image, shm::Segment::create("swage " + snapshot_.name(), builder.image_size()));
  builder.write(loaded.image.writable_bytes());
  loaded.names = builder.names();
  loaded.entries = builder.entries();
  return loaded;
}

Result<> HostsService::publish(Loaded loaded) {
  TRY(snapshot_.publish(std::move(loaded.image)));
  log::info("plugin/hosts: {}: {}, {}", path_, counted(loaded.names, "name"),
            counted(loaded.entries, "entry", "entries"));
  const LeftOut& left_out = loaded.left_out;
  if (left_out.count != 0) {
    log::warning("plugin/hosts: {}:{}: {}; left out, as is all like it: {} in the file", path_, left_out.line,
                 left_out.why, left_out.count);
  }
  return {};
}

}  // namespace swage::plugins::hosts
