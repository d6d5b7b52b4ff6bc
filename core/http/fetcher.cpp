#include "core/http/fetcher.h"

#include <utility>

#include "core/async/event.h"
#include "core/http/curl_library.h"
#include "core/http/transfer.h"

namespace swage::http {
namespace {

using async::Loop;
using async::Task;

// The whole body, in the frame of send().
class Whole : public Receiver {
 public:
  Whole(Loop& loop, std::size_t most) : most_(most), over_(loop) {}

  std::size_t take(std::string_view piece) override {
    too_large_ = piece.size() > most_ - body_.size();
    if (too_large_) return 0;
    body_.append(piece);
    return piece.size();
  }
  void finish(CURLcode code) override {
    code_ = code;
    over_.set();
  }
  [[nodiscard]] async::Event& over() { return over_; }
  // REQUIRES, here and below: it is over.
  [[nodiscard]] CURLcode code() const { return code_; }
  [[nodiscard]] Result<Fetcher::Fetched> result(const Transfer& transfer, const Fetcher::Request& request) {
    if (too_large_) return fail("has more than {} bytes", most_);
    if (code_ != CURLE_OK) return fail("{}", transfer.problem(code_));
    std::vector<std::string> wanted;
    for (const std::string& each : request.wanted) wanted.push_back(transfer.field(each.c_str()));
    return Fetcher::Fetched{.status = transfer.status(),
                            .etag = transfer.field("ETag"),
                            .last_modified = transfer.field("Last-Modified"),
                            .body = std::move(body_),
                            .type = transfer.field("Content-Type"),
                            .wanted = std::move(wanted)};
  }

 private:
  std::size_t most_;
  std::string body_;
  bool too_large_ = false;
  CURLcode code_ = CURLE_OK;
  async::Event over_;
};

}  // namespace

void Fetcher::load() { static_cast<void>(curl()); }

Fetcher::Fetcher(Loop& loop) : Fetcher(loop, Settings{}) {}

Fetcher::Fetcher(Loop& loop, Settings settings)
    : loop_(loop), settings_(std::move(settings)), curl_(std::make_unique<CurlLoop>(loop, settings_.connections)) {}

Fetcher::~Fetcher() = default;

// Again where the server closed an older connection just then: curl sees to that itself, but where it could not send.
Task<Result<Fetcher::Fetched>> Fetcher::send(Request request) {
  for (bool again = false;; again = true) {
    Whole whole(loop_, settings_.most);
    Transfer transfer(*curl_, settings_, request, Transfer::Length::whole, whole);
    co_await whole.over().wait();
    if (again || whole.code() != CURLE_SEND_ERROR || !transfer.on_older_connection())
      co_return whole.result(transfer, request);
  }
}

Task<Result<Fetcher::Fetched>> Fetcher::get(std::string url, std::vector<std::string> fields) {
  Request request;
  request.url = std::move(url);
  request.fields = std::move(fields);
  return send(std::move(request));
}

}  // namespace swage::http
