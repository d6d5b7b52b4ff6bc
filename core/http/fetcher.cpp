#include "core/http/fetcher.h"

#include <map>
#include <utility>

#include "core/async/event.h"
#include "core/async/socket_watch.h"
#include "core/http/curl_library.h"

namespace swage::http {

using async::Loop;
using async::SocketWatch;
using async::Task;

// A request on its way, in the frame of get().
class Fetcher::Transfer {
 public:
  Transfer(Fetcher& fetcher, const std::string& url, const std::vector<std::string>& fields);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void finish(CURLcode code) {
    code_ = code;
    over_.set();
  }
  [[nodiscard]] async::Event& over() { return over_; }
  // REQUIRES: it is over.
  [[nodiscard]] Result<Fetched> result();

 private:
  static std::size_t take(char* data, std::size_t, std::size_t size, void* transfer);
  [[nodiscard]] std::string field(const char* name) const;

  Fetcher& fetcher_;
  CURL* easy_;
  curl_slist* fields_ = nullptr;
  Fetched fetched_;
  bool too_large_ = false;
  CURLcode code_ = CURLE_OK;
  async::Event over_;
};

struct Fetcher::State {
  explicit State(Loop& on) : loop(on), timer(on, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
    CHECK(curl().global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    multi = curl().multi_init();
    CHECK(multi != nullptr);
    curl().multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl().multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &State::watch);
    curl().multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl().multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &State::set_timer);
  }
  ~State() {
    curl().multi_cleanup(multi);
    curl().global_cleanup();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static int watch(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int set_timer(CURLM*, long milliseconds, void* self);
  void act(curl_socket_t fd, int happened);

  Loop& loop;
  CURLM* multi;
  std::map<curl_socket_t, SocketWatch> watches;
  async::Timer timer;
};

int Fetcher::State::watch(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto& state = *static_cast<State*>(self);
  if (what == CURL_POLL_REMOVE) {
    state.watches.erase(fd);
    return 0;
  }
  const auto ready = [&state, fd](SocketWatch::Found found) {
    state.act(fd, (found.failed ? CURL_CSELECT_ERR : 0) | (found.readable ? CURL_CSELECT_IN : 0) |
                      (found.writable ? CURL_CSELECT_OUT : 0));
  };
  state.watches.try_emplace(fd, state.loop, fd, ready)
      .first->second.want({(what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0});
  return 0;
}

int Fetcher::State::set_timer(CURLM*, long milliseconds, void* self) {
  async::Timer& timer = static_cast<State*>(self)->timer;
  if (milliseconds < 0) {
    timer.stop();
  } else {
    timer.start(std::chrono::milliseconds(milliseconds));
  }
  return 0;
}

// Has curl go on after something happened, and finishes the transfers that are over then.
void Fetcher::State::act(curl_socket_t fd, int happened) {
  int running = 0, left = 0;
  curl().multi_socket_action(multi, fd, happened, &running);  // may end the watch that called this
  while (const CURLMsg* const message = curl().multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* transfer = nullptr;
    curl().easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    static_cast<Transfer*>(transfer)->finish(message->data.result);
  }
}

Fetcher::Transfer::Transfer(Fetcher& fetcher, const std::string& url, const std::vector<std::string>& fields)
    : fetcher_(fetcher), easy_(curl().easy_init()), over_(fetcher.loop_) {
  CHECK(easy_ != nullptr);
  const Settings& settings = fetcher.settings_;
  const bool secure = url.starts_with("https:");
  for (const std::string& each : fields) fields_ = curl().slist_append(fields_, each.c_str());
  curl().easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl().easy_setopt(easy_, CURLOPT_URL, url.c_str());
  curl().easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl().easy_setopt(easy_, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl().easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 1L);
  curl().easy_setopt(easy_, CURLOPT_MAXREDIRS, static_cast<long>(settings.redirects));
  curl().easy_setopt(easy_, CURLOPT_HTTPHEADER, fields_);
  curl().easy_setopt(easy_, CURLOPT_USERAGENT, settings.user_agent.c_str());
  curl().easy_setopt(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");  // unpacked piece by piece: take() counts
  curl().easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl().easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(settings.timeout.count()));
  curl().easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl().easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);  // else the loop would wait for getaddrinfo at a time-out
  curl().easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L);
  curl().easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl().easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Transfer::take);
  if (!settings.authorities.empty()) curl().easy_setopt(easy_, CURLOPT_CAINFO, settings.authorities.c_str());
  CHECK(curl().multi_add_handle(fetcher.state_->multi, easy_) == CURLM_OK);
}

Fetcher::Transfer::~Transfer() {
  curl().multi_remove_handle(fetcher_.state_->multi, easy_);
  curl().easy_cleanup(easy_);
  curl().slist_free_all(fields_);
}

std::size_t Fetcher::Transfer::take(char* data, std::size_t, std::size_t size, void* transfer) {
  auto& self = *static_cast<Transfer*>(transfer);
  self.too_large_ = size > self.fetcher_.settings_.most - self.fetched_.body.size();
  if (self.too_large_) return 0;  // ends the transfer
  self.fetched_.body.append(data, size);
  return size;
}

std::string Fetcher::Transfer::field(const char* name) const {
  curl_header* found = nullptr;
  return curl().easy_header(easy_, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : "";
}

Result<Fetcher::Fetched> Fetcher::Transfer::result() {
  if (too_large_) return fail("has more than {} bytes", fetcher_.settings_.most);
  if (code_ != CURLE_OK) return fail("{}", curl().easy_strerror(code_));
  long status = 0;
  curl().easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  fetched_.status = static_cast<unsigned>(status);
  fetched_.etag = field("ETag");
  fetched_.last_modified = field("Last-Modified");
  return std::move(fetched_);
}

Fetcher::Fetcher(Loop& loop) : Fetcher(loop, Settings{}) {}

Fetcher::Fetcher(Loop& loop, Settings settings)
    : loop_(loop), settings_(std::move(settings)), state_(std::make_unique<State>(loop)) {}

Fetcher::~Fetcher() = default;

Task<Result<Fetcher::Fetched>> Fetcher::get(std::string url, std::vector<std::string> fields) {
  Transfer transfer(*this, url, fields);
  co_await transfer.over().wait();
  co_return transfer.result();
}

}  // namespace swage::http
