// askweb: what an HTTP server says of a name, in TXT: fetched when somebody asks for it, and answered from memory for a
// minute. The service process fetches; a query waits in its dns process meanwhile, and nothing else does.
#include "core/http/fetcher.h"
#include "core/plugin/cache_rules.h"
#include "core/plugin/fetched_answers.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::askweb {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxText = 255, kMaxBody = 64 << 10;  // bytes; pages that say 404 are longer than texts
constexpr std::size_t kMaxAtATime = 100;
constexpr CacheRules kRules{.success = {.most = 60}};

class AskWeb : public Plugin {
 public:
  AskWeb(const shm::Shared& memory, const Fetch& fetch) : answers_(memory, fetch) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    if (query.qtype != dns::Type::txt) return next(query, response);
    if (response.cache == nullptr) response.cache = &kRules;  // no plugin `cache` has said for how long
    return answers_.serve(query, response);
  }

 private:
  FetchedAnswers answers_;
};

class Fetching : public Service {
 public:
  Fetching(std::string url, shm::Shared& memory, AnswerRoom room, Fetch& fetch)
      : url_(std::move(url)), store_(memory, room, {}), fetch_(fetch) {}

  Result<> prepare() override { return store_.prepare(); }

  async::Task<Result<>> run(Host& host) override {
    http::Fetcher::Settings settings;
    settings.timeout = 1500ms;
    settings.most = kMaxBody;
    fetcher_ = std::make_unique<http::Fetcher>(host.loop(), settings);
    fetch_.on_wanted([this, &host](const std::string& key) {
      if (under_way_ == kMaxAtATime) return fetch_.failed(key);
      host.loop().spawn(get(host.loop(), key));
    });
    co_await host.stopping().wait();
    co_return Result<>();
  }

 private:
  async::Task<> get(async::Loop& loop, std::string key) {
    const Result<FetchedQuestion> question = FetchedQuestion::read(key);
    if (!question) co_return fetch_.failed(key);
    ++under_way_;
    std::string url = url_ + question->name.to_string();
    std::vector<std::string> fields;
    const Result<http::Fetcher::Fetched> fetched = co_await fetcher_->get(std::move(url), std::move(fields));
    --under_way_;
    const bool there =
        fetched && (fetched->status == 404 || (fetched->status == 200 && fetched->body.size() <= kMaxText));
    const bool stored = there && store_.put(key, answer(*question, *fetched), loop.now());
    stored ? fetch_.settled(key) : fetch_.failed(key);
  }

  const Response& answer(const FetchedQuestion& question, const http::Fetcher::Fetched& fetched) {
    response_.clear();
    response_.rcode = fetched.status == 200 ? dns::Rcode::noerror : dns::Rcode::nxdomain;
    response_.authoritative = true;
    if (fetched.status == 200) {
      const MutableBytes text = response_.arena.allocate(1 + fetched.body.size());
      text[0] = static_cast<std::uint8_t>(fetched.body.size());
      std::ranges::copy(as_bytes(fetched.body), text.begin() + 1);
      response_.answer.push_back({.owner = question.name, .type = dns::Type::txt, .ttl = 60, .rdata = text});
    }
    return response_;
  }

  std::string url_;
  AnswerStore store_;
  Fetch& fetch_;
  std::unique_ptr<http::Fetcher> fetcher_;
  Response response_;
  std::size_t under_way_ = 0;
};

}  // namespace

// askweb URL
Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::string_view url, controller.expect_arg("an http:// or https:// URL"));
  const std::string name = formatted("askweb {}", url);
  shm::Shared& memory = controller.shared(name);
  Fetch& fetch = controller.fetch(name);
  controller.add(std::make_unique<Fetching>(std::string(url), memory, controller.block().answer_room, fetch));
  controller.add(std::make_unique<const AskWeb>(memory, fetch));
  return {};
}

}  // namespace swage::plugins::askweb
