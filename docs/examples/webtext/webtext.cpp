// webtext: what an HTTP server says, in TXT. The service process fetches it every minute and publishes it; every dns
// process answers from the memory that it publishes.
#include "core/http/fetcher.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::webtext {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxText = 255;  // bytes
constexpr std::uint32_t kTtl = 60;     // seconds

class WebText : public Plugin {
 public:
  explicit WebText(const shm::Snapshot& text) : text_(text) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    if (query.qtype != dns::Type::txt) return next(query, response);
    if (text_.bytes().empty()) {
      return answer_failure(response, dns::ExtendedError::not_ready, "it was not fetched yet");
    }
    return answer_text(query, response, kTtl, as_text(text_.bytes()));
  }

 private:
  const shm::Snapshot& text_;
};

class Fetching : public Service {
 public:
  Fetching(std::string url, std::chrono::milliseconds every, shm::Snapshot& text)
      : url_(std::move(url)), every_(every), text_(text) {}

  async::Task<Result<>> run(Host& host) override {
    http::Fetcher::Settings settings;
    settings.timeout = 10s;
    settings.most = kMaxText;
    http::Fetcher fetcher(host.loop(), settings);
    bool stop = false;
    while (!stop) {
      std::vector<std::string> fields;
      if (!etag_.empty()) fields.push_back("If-None-Match: " + etag_);
      const Result<http::Fetcher::Fetched> fetched = co_await fetcher.get(url_, std::move(fields));
      const Result<> taken = fetched ? take(*fetched) : std::unexpected(fetched.error());
      if (!taken) log::warning("plugin/webtext: {}: {}; what was before stays", url_, taken.error().text());
      stop = co_await host.stopping(every_);
    }
    co_return Result<>();
  }

  bool ready() const override { return !text_.bytes().empty(); }

 private:
  Result<> take(const http::Fetcher::Fetched& fetched) {
    if (fetched.status == 304) return {};  // as it was
    if (fetched.status != 200 || fetched.body.empty()) return fail("status {}", fetched.status);
    TRY(shm::Segment memory, shm::Segment::create("swage webtext", fetched.body.size()));
    std::ranges::copy(as_bytes(fetched.body), memory.writable_bytes().begin());
    etag_ = fetched.etag;
    return text_.publish(std::move(memory));
  }

  std::string url_, etag_;
  std::chrono::milliseconds every_;
  shm::Snapshot& text_;
};

}  // namespace

// webtext URL { every DURATION }
Result<> setup(Controller& controller) {
  std::chrono::milliseconds every = 1min;
  controller.once();
  TRY(const std::string_view url, controller.expect_arg("an http:// or https:// URL"));
  TRY(controller.read_block({{"every", [&] { return assign(every, controller.expect_duration(100ms, 24h)); }}}));
  shm::Snapshot& text = controller.snapshot(formatted("webtext {}", url));
  if (text.claim()) controller.add(std::make_unique<Fetching>(std::string(url), every, text));
  controller.add(std::make_unique<const WebText>(text));
  return {};
}

}  // namespace swage::plugins::webtext
