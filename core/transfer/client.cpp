#include "core/transfer/client.h"

#include <array>
#include <ctime>
#include <functional>
#include <utility>
#include <vector>

#include "core/async/tasks.h"
#include "core/async/tcp.h"
#include "core/transfer/request.h"
#include "core/tsig/tsig.h"
#include "core/upstream/nameserver.h"

namespace swage::transfer {
namespace {

using namespace std::chrono_literals;

constexpr auto kSerialTime = 4s;

std::uint16_t random_id(crypto::Random& random) {
  std::array<std::uint8_t, 2> id{};
  random.fill(id);
  return load_u16(id.data());
}

async::Task<Result<>> read_all(async::Stream& stream, MutableBytes into) {
  while (!into.empty()) {
    CO_TRY(const std::size_t size, co_await stream.read(into));
    if (size == 0) co_return fail("the primary closed the connection in the middle");
    into = into.subspan(size);
  }
  co_return Result<>();
}

async::Task<Result<>> send(async::Stream& stream, const std::vector<std::uint8_t>& message) {
  std::array<std::uint8_t, 2> length{};
  store_u16(length.data(), static_cast<std::uint16_t>(message.size()));
  const Bytes head(length), body(message);
  CO_TRY(co_await stream.write(head, body));
  co_return Result<>();
}

async::Task<Result<>> read_message(async::Stream& stream, std::vector<std::uint8_t>& message) {
  std::array<std::uint8_t, 2> length{};
  CO_TRY(co_await read_all(stream, length));
  message.resize(load_u16(length.data()));
  CO_TRY(co_await read_all(stream, message));
  co_return Result<>();
}

// What signs a question and verifies its answers, where there is a key.
class Signature {
 public:
  explicit Signature(const tsig::OwnKey* key) : key_(key) {}

  void sign(std::vector<std::uint8_t>& question) {
    if (key_ == nullptr) return;
    tsig::Signer signer(key_->key());
    const std::size_t size = question.size();
    question.resize(size + signer.room());
    question.resize(signer.sign(question, size, now()));
    verifier_.emplace(key_->key(), signer.mac());
  }

  // The first message and the last one have to be signed, those between them need not be (RFC 8945 section 5.3.1).
  Result<> verify(Bytes message) {
    if (!verifier_) return {};
    const bool first = last_ == tsig::Status::formerr;
    last_ = verifier_->verify(message, now());
    if (last_ == tsig::Status::none && !first) return {};
    if (last_ == tsig::Status::none) return fail("the answer is not signed");
    if (last_ != tsig::Status::good) return fail("the signature of the answer is not right: {}", to_string(last_));
    if (verifier_->error() != 0) return fail("the primary does not take our signature: error {}", verifier_->error());
    return {};
  }
  Result<> verify_end() const {
    if (verifier_ && last_ != tsig::Status::good) return fail("the last message is not signed");
    return {};
  }

 private:
  static std::uint64_t now() { return static_cast<std::uint64_t>(std::time(nullptr)); }

  const tsig::OwnKey* key_;
  std::optional<tsig::Verifier> verifier_;
  tsig::Status last_ = tsig::Status::formerr;  // so far: none came
};

// Takes a message; whether it was the last.
using Take = std::function<Result<bool>(Bytes message)>;

// All messages that answer the question; a primary that is silent for too long finds the connection closed.
async::Task<Result<>> exchange(async::Loop& loop, Primary primary, std::vector<std::uint8_t> question, Take take,
                               Times times) {
  async::TcpStream stream(loop);
  const char* given_up = nullptr;  // why it was closed here
  async::Timer silence(loop, [&stream, &given_up] {
    given_up = "the primary is silent";
    stream.close();
  });
  std::uint64_t received = 0, before = 0;
  async::Timer pace(loop, [&] {
    if (received - before < times.least) {
      given_up = "the primary is too slow";
      return stream.close();
    }
    before = received;
    pace.start(times.pace);
  });
  const auto why = [&given_up](const Error& error) { return given_up != nullptr ? Error(given_up) : error; };
  silence.start(times.connect);
  Result<> done = co_await stream.connect(primary.at, primary.from);
  if (!done) co_return std::unexpected(why(done.error()));
  Signature signature(primary.key.get());
  signature.sign(question);
  done = co_await send(stream, question);
  if (!done) co_return std::unexpected(why(done.error()));
  std::vector<std::uint8_t> message;
  pace.start(times.pace);
  while (true) {
    silence.start(times.message);
    done = co_await read_message(stream, message);
    if (!done) co_return std::unexpected(why(done.error()));
    received += message.size();
    CO_TRY(signature.verify(message));
    CO_TRY(const bool last, take(message));
    if (last) break;
  }
  co_return signature.verify_end();
}

async::Task<Result<std::uint32_t>> ask_signed(async::Loop& loop, Primary primary, Request request) {
  std::optional<std::uint32_t> serial;
  const Take take = [&request, &serial](Bytes message) -> Result<bool> {
    if (message.size() < 2 || load_u16(message.data()) != request.id) return fail("a message with another id");
    TRY(serial, read_serial(message, request.zone));
    return true;
  };
  std::vector<std::uint8_t> question = encode_soa_query(request);
  const Times times;
  CO_TRY(co_await exchange(loop, primary, question, take, times));
  co_return *serial;
}

}  // namespace

async::Task<Result<std::uint32_t>> ask_serial(async::Loop& loop, Primary primary, dns::Name zone,
                                              crypto::Random& random) {
  Request request{zone, random_id(random)};
  if (primary.key != nullptr) {
    const auto serial = co_await async::within(loop, kSerialTime, ask_signed(loop, primary, request));
    if (!serial) co_return fail("{}: no answer", primary.at.to_string());
    if (!*serial) co_return fail("{}: {}", primary.at.to_string(), serial->error().text());
    co_return **serial;
  }
  upstream::Nameserver server(loop, upstream::Way{.to = primary.at, .expire = 0ms, .from = primary.from}, random);
  upstream::Question question{.name = zone, .type = dns::Type::soa, .recursion_desired = false};
  CO_TRY(const std::vector<std::uint8_t> answer, co_await server.ask(question, kSerialTime));
  const Result<std::uint32_t> serial = read_serial(answer, zone);
  if (!serial) co_return fail("{}: {}", primary.at.to_string(), serial.error().text());
  co_return *serial;
}

async::Task<Result<std::unique_ptr<Receiver>>> receive(async::Loop& loop, Primary primary, dns::Name zone,
                                                       std::optional<std::uint32_t> serial, Limits limits,
                                                       crypto::Random& random, Times times) {
  Request request{zone, random_id(random), serial};
  auto receiver = std::make_unique<Receiver>(request, limits);
  const Take take = [to = receiver.get()](Bytes message) { return to->take(message); };
  std::vector<std::uint8_t> question = encode(request);
  const std::optional<Result<>> done =
      co_await async::within(loop, times.whole, exchange(loop, primary, question, take, times));
  if (!done) co_return fail("{}: the transfer takes too long", primary.at.to_string());
  if (!*done) co_return fail("{}: {}", primary.at.to_string(), done->error().text());
  co_return std::move(receiver);
}

}  // namespace swage::transfer
