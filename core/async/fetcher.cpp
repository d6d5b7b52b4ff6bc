#include "core/async/fetcher.h"

#include <uv.h>

#include <optional>
#include <utility>

#include "core/async/curl_library.h"

namespace swage::async {
namespace {

// A socket of curl's. Deleted when libuv has let go of it.
struct Watch {
  uv_poll_t poll{};
  CURLM* multi;
  int fd;
  std::function<void()>& acted;
};

void close_watch(Watch* watch) {
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll),
           [](uv_handle_t* handle) { delete static_cast<Watch*>(handle->data); });
}

void socket_ready(uv_poll_t* poll, int status, int events) {
  const auto* const watch = static_cast<const Watch*>(poll->data);
  int happened = status < 0 ? CURL_CSELECT_ERR : 0;
  if ((events & UV_READABLE) != 0) happened |= CURL_CSELECT_IN;
  if ((events & UV_WRITABLE) != 0) happened |= CURL_CSELECT_OUT;
  std::function<void()>& acted = watch->acted;
  int running = 0;
  curl().multi_socket_action(watch->multi, watch->fd, happened, &running);  // may delete the watch
  acted();
}

}  // namespace

// A request on its way, in the frame of get().
class Fetcher::Transfer : private Waiter {
 public:
  Transfer(Fetcher& fetcher, const std::string& url, const std::vector<std::string>& fields);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  [[nodiscard]] bool await_ready() const { return code_.has_value(); }
  void await_suspend(std::coroutine_handle<> awaiting) {
    coroutine = awaiting;
    waits_ = true;
  }
  [[nodiscard]] Result<Fetched> await_resume();

  void finish(CURLcode code) {
    code_ = code;
    if (std::exchange(waits_, false)) fetcher_.loop_.wake(*this);
  }

 private:
  static std::size_t take(char* data, std::size_t, std::size_t size, void* transfer);
  [[nodiscard]] std::string field(const char* name) const;

  Fetcher& fetcher_;
  CURL* easy_;
  curl_slist* fields_ = nullptr;
  Fetched fetched_;
  bool too_large_ = false;
  bool waits_ = false;
  std::optional<CURLcode> code_;
};

struct Fetcher::State {
  explicit State(Loop& on) : loop(on), acted([this] { finish_transfers(); }), timer(on, [this] { timed_out(); }) {
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

  static int watch(CURL*, curl_socket_t fd, int what, void* self, void* known);
  static int set_timer(CURLM*, long milliseconds, void* self);
  void timed_out();
  void finish_transfers();

  Loop& loop;
  CURLM* multi;
  std::function<void()> acted;
  Timer timer;
};

int Fetcher::State::watch(CURL*, curl_socket_t fd, int what, void* self, void* known) {
  auto& state = *static_cast<State*>(self);
  auto* watch = static_cast<Watch*>(known);
  if (what == CURL_POLL_REMOVE) {
    if (watch != nullptr) close_watch(watch);
    curl().multi_assign(state.multi, fd, nullptr);
    return 0;
  }
  if (watch == nullptr) {
    watch = new Watch{{}, state.multi, fd, state.acted};
    watch->poll.data = watch;
    CHECK(uv_poll_init(state.loop.uv(), &watch->poll, fd) == 0);
    curl().multi_assign(state.multi, fd, watch);
  }
  const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
  CHECK(uv_poll_start(&watch->poll, events, socket_ready) == 0);
  return 0;
}

int Fetcher::State::set_timer(CURLM*, long milliseconds, void* self) {
  Timer& timer = static_cast<State*>(self)->timer;
  if (milliseconds < 0) {
    timer.stop();
  } else {
    timer.start(std::chrono::milliseconds(milliseconds));
  }
  return 0;
}

void Fetcher::State::timed_out() {
  int running = 0;
  curl().multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
  finish_transfers();
}

void Fetcher::State::finish_transfers() {
  int left = 0;
  while (const CURLMsg* const message = curl().multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* transfer = nullptr;
    curl().easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    static_cast<Transfer*>(transfer)->finish(message->data.result);
  }
}

Fetcher::Transfer::Transfer(Fetcher& fetcher, const std::string& url, const std::vector<std::string>& fields)
    : fetcher_(fetcher), easy_(curl().easy_init()) {
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

Result<Fetcher::Fetched> Fetcher::Transfer::await_resume() {
  if (too_large_) return fail("has more than {} bytes", fetcher_.settings_.most);
  if (*code_ != CURLE_OK) return fail("{}", curl().easy_strerror(*code_));
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
  co_return co_await transfer;
}

}  // namespace swage::async
