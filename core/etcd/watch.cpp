#include <utility>

#include "core/async/tasks.h"
#include "core/etcd/client.h"
#include "core/etcd/connection.h"
#include "core/etcd/gateway.h"
#include "core/http/fetch_stream.h"

namespace swage::etcd {

using async::Task;
using Kind = Failure::Kind;

class Watch::Stream {
 public:
  Stream(Client::State& client, Range range, Revision from)
      : client_(client), range_(std::move(range)), seen_(from - 1) {}

  [[nodiscard]] Task<Expected<Batch>> next();

 private:
  [[nodiscard]] Task<Expected<>> open();
  [[nodiscard]] http::Fetcher::Request request();
  [[nodiscard]] Task<Expected<Batch>> first();
  [[nodiscard]] Task<Expected<Batch>> batch();
  [[nodiscard]] Expected<Batch> read(Result<std::optional<std::string>> line);
  [[nodiscard]] Failure failed(Failure failure);

  Client::State& client_;
  Range range_;
  Revision seen_;
  std::size_t endpoint_ = 0, token_ = 0;
  bool begun_ = false;
  std::optional<http::FetchStream> lines_;
  std::optional<Failure> over_;
};

Task<Expected<Batch>> Watch::Stream::next() {
  if (over_) co_return std::unexpected(*over_);
  auto reading = begun_ ? batch() : first();
  Expected<Batch> read = co_await std::move(reading);
  if (!read) {
    over_ = read.error();
    lines_.reset();
  }
  co_return read;
}

// With another token where this one is not taken.
Task<Expected<Batch>> Watch::Stream::first() {
  for (bool again = false;; again = true) {
    if (!lines_) CO_TRY(co_await open());
    auto reading = batch();
    auto read = co_await async::within(client_.loop, client_.settings.patience, std::move(reading));
    if (!read) co_return std::unexpected(failed({.kind = Kind::unreachable, .text = "the watch does not begin"}));
    begun_ = read->has_value();
    if (begun_ || read->error().kind != Kind::denied || token_ == 0 || again) co_return *std::move(read);
    lines_.reset();
    CO_TRY(co_await client_.authenticate(endpoint_, token_, client_.settings.each));
  }
}

Task<Expected<>> Watch::Stream::open() {
  endpoint_ = client_.current;
  if (client_.token.empty()) {
    Expected<> authenticated = co_await client_.authenticate(endpoint_, 0, client_.settings.each);
    if (!authenticated) {
      client_.leave(endpoint_);
      co_return authenticated;
    }
  }
  token_ = client_.tokens;
  ++client_.counts.requests;
  lines_.emplace(client_.fetcher, request());
  co_return Expected<>();
}

http::Fetcher::Request Watch::Stream::request() {
  http::Fetcher::Request request = client_.request(endpoint_, gateway::kWatch, gateway::watch_text(range_, seen_ + 1));
  request.fields.emplace_back("Grpc-Metadata-hasleader: true");
  return request;
}

Task<Expected<Batch>> Watch::Stream::batch() {
  auto line = co_await lines_->line();
  co_return read(std::move(line));
}

Expected<Batch> Watch::Stream::read(Result<std::optional<std::string>> line) {
  if (!line) return std::unexpected(failed({.kind = Kind::unreachable, .text = line.error().text()}));
  if (!*line) return std::unexpected(failed({.kind = Kind::ended, .text = "the watch's stream has ended"}));
  Expected<Batch> batch = gateway::batch_in(**line);
  if (lines_->status() != 200) batch = std::unexpected(gateway::failure_in(lines_->status(), **line));
  if (!batch) return std::unexpected(failed(std::move(batch).error()));
  batch->seen = seen_ = std::max(seen_, batch->seen);
  return batch;
}

Failure Watch::Stream::failed(Failure failure) {
  ++client_.counts.failures;
  if (failure.kind != Kind::denied && failure.kind != Kind::compacted) client_.leave(endpoint_);
  return client_.at(endpoint_, std::move(failure));
}

Watch::Watch(Client& client, Range range, Revision from)
    : stream_(std::make_unique<Stream>(*client.state_, std::move(range), from)) {}

Watch::~Watch() = default;

Task<Expected<Batch>> Watch::next() { return stream_->next(); }

}  // namespace swage::etcd
