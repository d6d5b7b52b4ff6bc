#include "plugins/transfer/notifier.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "core/async/event.h"
#include "core/descriptor.h"
#include "core/tsig/response_signer.h"
#include "core/upstream/udp.h"
#include "core/zone/view.h"
#include "plugins/transfer/notice.h"
#include "plugins/transfer/transfer.h"

namespace swage::plugins::transfer {
namespace {

using namespace std::chrono_literals;
using Time = Outbox::Time;

constexpr auto kTick = 250ms;
constexpr std::uint64_t kTicksALook = 4;
// Until dns processes have the version that was published: they are asked for it at once.
constexpr auto kDelay = 500ms;
constexpr auto kAnswerTime = 5s;
constexpr std::size_t kAtOnce = 64, kATick = 32;
constexpr unsigned kMostForeign = 64;  // datagrams
constexpr Time kBetweenComplaints = 60s;

Time now_of(const async::Loop& loop) { return std::chrono::duration_cast<Time>(std::chrono::nanoseconds(loop.now())); }

std::string name_text(const std::string& wire) { return dns::NameView(as_bytes(wire).data(), wire.size()).to_string(); }

// Reads from a connected socket until there is a reply, or the secondary's machine says that nobody listens.
struct Listening {
  int fd;
  Bytes sent;
  async::Event& done;
  tsig::Verifier* verifier;  // nullptr: answers are not signed
  Reply reply = Reply::foreign;
  unsigned foreign = 0;

  void read() {
    std::array<std::uint8_t, 4096> buffer;
    while (!done.is_set()) {
      const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0) return done.set();
      const Bytes received = Bytes(buffer).first(static_cast<std::size_t>(size));
      reply = judge_reply(received, sent);
      // Who could not verify the notice says so unsigned (RFC 8945 section 5.3.2): declined.
      if (reply == Reply::acknowledged && verifier != nullptr &&
          verifier->verify(received, tsig::wall_clock()) != tsig::Status::good) {
        reply = Reply::foreign;
      }
      if (reply != Reply::foreign || ++foreign == kMostForeign) done.set();
    }
  }
};

}  // namespace

async::Task<Result<>> Notifier::run(Host& host) {
  for (std::uint64_t tick = 0;; ++tick) {
    const Time now = now_of(host.loop());
    if (tick % kTicksALook == 0) look(now);
    const std::size_t room = kAtOnce - std::min(kAtOnce, outbox_.under_way());
    for (Outbox::Letter& letter : outbox_.take(std::min(room, kATick), now)) {
      host.loop().spawn(tell(host.loop(), std::move(letter)));
    }
    const bool stopping = co_await host.stopping(kTick);
    if (stopping) break;
  }
  co_return Result<>();
}

// What has changed since the last look: at the first one, everything.
void Notifier::look(Time now) {
  ++looks_;
  for (const ZoneSource* const source : block_.zone_sources) {
    source->for_each([&](const ZoneVersion& version) {
      const zone::View zone(version.image.bytes);
      const dns::Name apex = dns::Name(zone.apex()).lowercased();
      const auto [known, is_new] = known_.try_emplace(std::string(as_text(apex.view().bytes())), Version{0, 0});
      if (known->second.seen == looks_) return;  // another source's, which is asked first
      known->second.seen = looks_;
      if (!is_new && known->second.serial == zone.serial()) return;
      known->second.serial = zone.serial();
      put(apex, now + kDelay);
    });
  }
  forget_gone();
}

void Notifier::put(dns::NameView apex, Time due) {
  const Rule* const rule = rule_for(rules_, apex);
  if (rule == nullptr) return;
  for (const Endpoint& to : rule->secondaries) {
    const bool has_room = outbox_.put({std::string(as_text(apex.bytes())), to}, due);
    if (!has_room && !full_) {
      log::warning("plugin/transfer: more than {} notifications are to be sent; others are not", Outbox::kMost);
    }
    full_ = !has_room;
  }
}

void Notifier::forget_gone() {
  std::erase_if(known_, [this](const auto& each) {
    if (each.second.seen == looks_) return false;
    outbox_.forget(each.first);
    return true;
  });
}

// The address that queries come to is the one that a secondary knows its primary by.
std::optional<IpAddress> Notifier::source_for(const Endpoint& to) const {
  const auto loopback = [](const IpAddress& address) {
    return address.is_v6() ? address.to_string() == "::1" : address.bytes()[0] == 127;
  };
  for (const IpAddress& own : block_.addresses) {
    if (own.is_unspecified() || own.is_v6() != to.address.is_v6()) continue;
    if (!loopback(own) || loopback(to.address)) return own;
  }
  return {};
}

// With the first key of the zone's rule, where it has one that is known.
std::optional<tsig::Verifier> Notifier::sign(dns::NameView apex, std::vector<std::uint8_t>& notice) const {
  const Rule* const rule = rule_for(rules_, apex);
  if (rule == nullptr || rule->keys.empty() || block_.keys == nullptr) return {};
  const std::optional<tsig::Key> key = block_.keys->find(rule->keys.front());
  if (!key) return {};
  tsig::Signer signer(*key);
  const std::size_t size = notice.size();
  notice.resize(size + signer.room());
  notice.resize(signer.sign(notice, size, tsig::wall_clock()));
  return tsig::Verifier(*key, signer.mac());
}

async::Task<> Notifier::tell(async::Loop& loop, Outbox::Letter letter) {
  const dns::NameView apex(as_bytes(letter.apex).data(), letter.apex.size());
  const std::optional<ZoneVersion> version = find_zone(block_, apex);
  const Result<Descriptor> socket = upstream::connected_udp(letter.to, source_for(letter.to));
  Reply reply = Reply::foreign;
  std::string why = "no answer";
  if (!socket) why = socket.error().text();
  if (version && socket) {
    std::array<std::uint8_t, 2> id{};
    random_.fill(id);
    const zone::ZoneRecord soa = *zone::AllRecords(version->image.bytes).next();
    std::vector<std::uint8_t> notice = encode_notice(load_u16(id.data()), soa);
    std::optional<tsig::Verifier> verifier = sign(apex, notice);
    counts_.sent.add();
    async::Event done(loop);
    Listening listening{socket->get(), notice, done, verifier ? &*verifier : nullptr};
    const auto read = [&listening] { listening.read(); };
    const async::Poll poll(loop, socket->get(), read);
    if (send(socket->get(), notice.data(), notice.size(), MSG_NOSIGNAL) < 0) why = std::strerror(errno);
    const bool in_time = co_await async::wait_for(done, kAnswerTime);
    if (in_time) reply = listening.reply;
  }
  const Time now = now_of(loop);
  const bool is_answered = reply != Reply::foreign || !version;
  if (reply == Reply::acknowledged) counts_.acknowledged.add();
  if (reply == Reply::declined) {
    counts_.declined.add();
    complain(letter, "does not take it: it may not know the zone, or not take notifications from here", now);
  }
  const bool goes_on = outbox_.settle(letter, is_answered, now);
  if (!goes_on && !is_answered) {
    counts_.unanswered.add();
    complain(letter, why + "; it is not told again", now);
  }
}

void Notifier::complain(const Outbox::Letter& letter, const std::string& what, Time now) {
  Silent& silent = silent_[letter.to];
  if (silent.told.count() != 0 && now - silent.told < kBetweenComplaints) {
    ++silent.untold;
    return;
  }
  const std::string more =
      silent.untold > 0 ? fmt::format("; and {} more since the last such line", silent.untold) : "";
  log::warning("plugin/transfer: NOTIFY of {} to {}: {}{}", name_text(letter.apex), letter.to.to_string(), what, more);
  silent = {now, 0};
}

}  // namespace swage::plugins::transfer
