#include "core/server/fetch_server.h"

#include <algorithm>
#include <utility>

#include "core/log.h"
#include "core/server/park.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

static_assert(Park::Limits().queries + Park::Limits().ahead <= FetchServer::kMaxTickets);

constexpr int kPacketsATurn = 4;

using Kind = FetchMessage::Kind;

// What a key counts for beside its place: whole requests are long.
std::size_t bytes_of(std::string_view key) { return key.size() > Fetch::kMaxKey ? key.size() : 0; }

constexpr auto kRoomComes = 1ms;
constexpr std::int64_t kBetweenSweeps = std::chrono::nanoseconds(1s).count();

}  // namespace

struct FetchServer::Line {
  Line(FetchServer& server, message::FetchLine message)
      : worker(message.worker),
        socket(std::move(message.socket)),
        poll(server.loop_, socket.fd(), [&server, this] { server.receive(*this); }) {}

  std::uint32_t worker;
  FetchLine socket;
  async::Poll poll;
  std::map<std::uint32_t, Place> tickets{};  // what it waits for
  std::size_t waited_bytes = 0;              // of whole requests, of its tickets
  std::size_t answer_bytes = 0;              // of whole responses
  struct Answer {
    FetchMessage message;
    std::shared_ptr<const std::vector<std::uint8_t>> response;  // what message.key is of
  };
  std::vector<Answer> answers{};  // to be sent
  FetchPacket packet{};           // the socket had no room for it
};

FetchServer::FetchServer(async::Loop& loop, Fetch::By by, Fetches fetches, metrics::Registry& metrics)
    : loop_(loop),
      by_(by),
      fetches_(fetches),
      metrics_(metrics, fetches),
      wanted_(fetches.size(), Wanted(NetworkShares::new_key())),
      send_(loop, [this] { send(); }) {
  for (std::size_t i = 0; i < fetches_.size(); ++i) {
    const auto fetch = static_cast<std::uint16_t>(i);
    fetches_[i]->connect(
        {[this, fetch] { hand_over_all(fetch); },
         [this, fetch](std::string_view key, bool fetched) {
           settle(fetch, key, fetched ? Kind::settled : Kind::failed, {});
         },
         [this, fetch](std::string_view key, Bytes response) { settle(fetch, key, Kind::answered, response); }});
  }
}

FetchServer::~FetchServer() {
  for (const auto& fetch : fetches_) fetch->connect({});
}

void FetchServer::add(message::FetchLine line) { lines_.emplace_back(*this, std::move(line)); }

void FetchServer::receive(Line& line) {
  for (int i = 0; i < kPacketsATurn; ++i) {
    const Result<Bytes> packet = line.socket.receive(in_);
    if (packet && packet->empty()) return;
    const bool sound =
        packet && read_fetch_packet(*packet, [&](const FetchMessage& message) { return take(line, message); });
    if (sound) continue;
    if (packet) log::error("dns {}: it wants what is not for it to want; nothing is fetched for it", line.worker);
    return close(line);
  }
}

bool FetchServer::take(Line& line, const FetchMessage& message) {
  if (message.kind == FetchMessage::Kind::want) return want(line, message);
  if (message.kind == FetchMessage::Kind::forget) forget(line, message.ticket);
  return message.kind == FetchMessage::Kind::forget;
}

bool FetchServer::want(Line& line, const FetchMessage& message) {
  if (message.fetch == 0 || message.fetch > fetches_.size() || line.tickets.contains(message.ticket)) return false;
  const Fetch& wanted_of = *fetches_[message.fetch - 1U];
  if (wanted_of.by() != by_ || message.key.size() > wanted_of.most_key()) return false;
  if (line.tickets.size() >= kMaxTickets || line.answers.size() >= kMaxUnsent) return false;
  if (line.waited_bytes + bytes_of(as_text(message.key)) > kMaxMessages) return false;
  const auto fetch = static_cast<std::uint16_t>(message.fetch - 1);
  sweep(fetch);
  Wanted& wanted = wanted_[fetch];
  const Keys::iterator key = wanted.keys.try_emplace(std::string(as_text(message.key))).first;
  std::list<Waiter>& waiters = key->second.waiters;
  const bool forgotten = waiters.empty() && is_late(fetch, key->second);
  Waiter& waiter = waiters.emplace_back();
  waiter.share = wanted.places.share_of(message.network);
  waiter.line = &line;
  waiter.ticket = message.ticket;
  waiter.key = key;
  waiter.bytes = bytes_of(key->first);
  line.waited_bytes += waiter.bytes;
  line.tickets[message.ticket] = {fetch, std::prev(waiters.end())};
  if (!key->second.fetching) {
    wait(fetch, waiter);
  } else if (forgotten) {
    hand_over(fetch, key);
  }
  return true;
}

// It begins at once, waits for its turn, or is refused.
void FetchServer::wait(std::uint16_t fetch, Waiter& waiter) {
  Wanted& wanted = wanted_[fetch];
  const std::size_t most = fetches_[fetch]->most();
  if (wanted.places.take(waiter, most)) return begin(fetch, waiter.key, waiter.share);
  const std::string text = waiter.key->first;  // it is gone if it is refused
  const bool is_new = waiter.key->second.waiters.size() == 1;
  if (is_new && fetches_[fetch]->refuse(text, wanted.keys.size() - 1)) return;
  metrics_.queued.add();
  wanted.places.wait(waiter);
  show();
}

// REQUIRES: its place was taken.
void FetchServer::begin(std::uint16_t fetch, Keys::iterator key, std::uint32_t share) {
  Key& begun = key->second;
  for (Waiter& each : begun.waiters) wanted_[fetch].places.leave(each);
  begun.fetching = true;
  begun.share = share;
  hand_over(fetch, key);
  show();
}

// Those whose turn it is, now that a place is free.
void FetchServer::advance(std::uint16_t fetch) {
  Wanted& wanted = wanted_[fetch];
  if (std::exchange(wanted.advancing, true)) return;  // what it begins may be settled at once
  while (auto* const waiter = static_cast<Waiter*>(wanted.places.next(fetches_[fetch]->most()))) {
    if (!wanted.places.take(*waiter, fetches_[fetch]->most())) break;
    begin(fetch, waiter->key, waiter->share);
  }
  wanted.advancing = false;
}

void FetchServer::forget(Line& line, std::uint32_t ticket) {
  const auto found = line.tickets.find(ticket);
  if (found == line.tickets.end()) return;  // the answer is under way
  const Place place = found->second;
  drop_ticket(line, ticket);
  const Keys::iterator key = place.waiter->key;
  wanted_[place.fetch].places.leave(*place.waiter);
  key->second.waiters.erase(place.waiter);
  if (key->second.waiters.empty() && !key->second.fetching) erase(place.fetch, key);
}

void FetchServer::hand_over(std::uint16_t fetch, Keys::iterator key) {
  key->second.since = loop_.now();
  const std::string text = key->first;  // it may be settled, and gone, at once
  static_cast<void>(fetches_[fetch]->want(text));
}

// Somebody takes them now, or another one than before.
void FetchServer::hand_over_all(std::uint16_t fetch) {
  std::vector<std::string> begun;
  for (const auto& [text, key] : wanted_[fetch].keys) {
    if (key.fetching) begun.push_back(text);
  }
  for (const std::string& text : begun) {
    if (wanted_[fetch].keys.contains(text)) static_cast<void>(fetches_[fetch]->want(text));
  }
}

void FetchServer::settle(std::uint16_t fetch, std::string_view text, Kind kind, Bytes response) {
  Keys& keys = wanted_[fetch].keys;
  const auto key = keys.find(text);
  if (key == keys.end()) return;
  CHECK(response.size() <= FetchMessage::kMaxResponse);
  const auto kept = std::make_shared<const std::vector<std::uint8_t>>(response.begin(), response.end());
  for (Waiter& waiter : key->second.waiters) {
    Line& line = *waiter.line;
    wanted_[fetch].places.leave(waiter);
    drop_ticket(line, waiter.ticket);
    const bool has_room = line.answer_bytes + response.size() <= kMaxMessages;
    line.answers.push_back(
        {{has_room ? kind : Kind::failed, waiter.ticket, 0, 0, has_room ? Bytes(*kept) : Bytes()}, kept});
    if (has_room) line.answer_bytes += response.size();
  }
  erase(fetch, key);
  advance(fetch);
  if (!std::exchange(sends_, true)) send_.start(0ms);
}

// REQUIRES: nobody waits for it.
void FetchServer::erase(std::uint16_t fetch, Keys::iterator key) {
  if (key->second.fetching) wanted_[fetch].places.give_back(key->second.share, bytes_of(key->first));
  wanted_[fetch].keys.erase(key);
  show();
}

void FetchServer::drop_ticket(Line& line, std::uint32_t ticket) {
  const auto found = line.tickets.find(ticket);
  line.waited_bytes -= found->second.waiter->bytes;
  line.tickets.erase(found);
}

// A key that was not settled in the time of its fetch: if nobody waits for it, it is fetched anew when it is wanted.
bool FetchServer::is_late(std::uint16_t fetch, const Key& key) const {
  return loop_.now() - key.since > std::chrono::nanoseconds(fetches_[fetch]->time()).count();
}

// What is late, and nobody waits for, takes no place any longer. Not every time.
void FetchServer::sweep(std::uint16_t fetch) {
  Wanted& wanted = wanted_[fetch];
  const std::int64_t now = loop_.now();
  if (wanted.places.taken() == 0 || now - wanted.swept < kBetweenSweeps) return;
  wanted.swept = now;
  for (auto each = wanted.keys.begin(); each != wanted.keys.end();) {
    const auto key = each++;
    const bool waits = !key->second.waiters.empty();
    if (!waits && key->second.fetching && is_late(fetch, key->second)) erase(fetch, key);
  }
  advance(fetch);
}

void FetchServer::show() {
  std::size_t fetching = 0, waiting = 0;
  for (const Wanted& wanted : wanted_) {
    fetching += wanted.places.taken();
    waiting += wanted.keys.size() - wanted.places.taken();
  }
  metrics_.fetching.set(static_cast<double>(fetching));
  metrics_.waiting_keys.set(static_cast<double>(waiting));
}

void FetchServer::close(Line& line) {
  while (!line.tickets.empty()) forget(line, line.tickets.begin()->first);
  lines_.remove_if([&line](const Line& each) { return &each == &line; });
}

void FetchServer::send() {
  sends_ = false;
  for (Line& line : lines_) sends_ = !send(line) || sends_;
  if (sends_) send_.start(kRoomComes);
}

bool FetchServer::send(Line& line) {
  std::size_t sent = 0;
  bool room = true;
  while (room && (!line.packet.empty() || sent < line.answers.size())) {
    while (sent < line.answers.size() && line.packet.add(line.answers[sent].message)) {
      line.answer_bytes -= line.answers[sent].message.key.size();
      ++sent;
    }
    room = line.socket.send(line.packet.bytes());
    if (room) line.packet.clear();
  }
  line.answers.erase(line.answers.begin(), line.answers.begin() + static_cast<std::ptrdiff_t>(sent));
  return room;
}

}  // namespace swage::server
