#include "core/http/http2.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/http/grammar.h"
#include "core/http/response_text.h"
#include "core/result.h"
#include "core/text.h"

namespace swage::http {
namespace {

template <auto function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};
using Session = std::unique_ptr<nghttp2_session, Free<nghttp2_session_del>>;
using Callbacks = std::unique_ptr<nghttp2_session_callbacks, Free<nghttp2_session_callbacks_del>>;
using Options = std::unique_ptr<nghttp2_option, Free<nghttp2_option_del>>;

constexpr std::size_t kOneFrame = 16 << 10, kLeastWindow = 65'535;  // bytes
constexpr std::size_t kFieldCost = 32;     // bytes that a field counts beside its text (RFC 9113 section 6.5.2)
constexpr std::size_t kStreamCost = 1024;  // bytes that a stream takes, about
constexpr std::uint64_t kResets = 200, kResetsASecond = 20;
constexpr std::size_t kAcks = 100;  // that wait to be sent

struct Stream {
  Request request;
  std::size_t header = 0;    // bytes of its fields
  std::size_t received = 0;  // bytes of its body, for which the connection's window is smaller
  bool given = false;        // out of next()
  bool answered = false;
  bool too_large = false;
  std::string body{};  // of the response
  std::size_t sent = 0;

  [[nodiscard]] std::size_t held() const { return kStreamCost + header + request.body.size() + body.size(); }
};

// Fields that belong to a connection of HTTP/1.1 (RFC 9113 section 8.2.2), or are the server's to say.
bool is_for_connection(std::string_view name) {
  constexpr std::array kNames = {"connection",     "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
                                 "content-length", "date"};
  return std::ranges::find(kNames, name) != kNames.end();
}

nghttp2_nv pair_of(const std::string& name, const std::string& value) {
  const auto bytes = [](const std::string& text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

struct Http2::State {
  MessageLimits limits;
  std::map<std::int32_t, Stream> streams;
  std::deque<std::int32_t> ready;
  std::size_t held = 0;
  bool broken = false;
  Session session;  // last: it calls the functions below until it is gone

  Stream* find(std::int32_t id) {
    const auto found = streams.find(id);
    return found == streams.end() ? nullptr : &found->second;
  }
  void close(std::int32_t id);
  void make_ready(std::int32_t id, Stream& stream);
  int take_field(std::int32_t id, std::string_view name, std::string_view value);
  void take_body(std::int32_t id, Bytes bytes);
};

void Http2::State::close(std::int32_t id) {
  const auto found = streams.find(id);
  if (found == streams.end()) return;
  if (session != nullptr) nghttp2_session_consume_connection(session.get(), found->second.received);
  held -= found->second.held();
  streams.erase(found);
  std::erase(ready, id);
}

void Http2::State::make_ready(std::int32_t id, Stream& stream) {
  if (stream.given) return;
  stream.given = true;
  ready.push_back(id);
}

int Http2::State::take_field(std::int32_t id, std::string_view name, std::string_view value) {
  Stream* const stream = find(id);
  if (stream == nullptr) return 0;
  const std::size_t size = name.size() + value.size() + kFieldCost;
  if (stream->header + size > limits.header || stream->request.fields.size() >= limits.fields) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // the stream is reset
  }
  stream->header += size;
  held += size;
  Request& request = stream->request;
  if (name == ":method") {
    request.method = value;
  } else if (name == ":path") {
    request.target = value;
  } else if (name == ":authority") {
    request.fields.set("Host", std::string(value));
  } else if (!name.starts_with(':') && !(name == "host" && request.fields.count("Host") > 0)) {
    request.fields.add(std::string(name), std::string(value));
  }
  return 0;
}

void Http2::State::take_body(std::int32_t id, Bytes bytes) {
  Stream* const stream = find(id);
  if (stream == nullptr || stream->given) {  // nobody reads it
    nghttp2_session_consume(session.get(), id, bytes.size());
    return;
  }
  stream->received += bytes.size();
  Request& request = stream->request;
  if (request.body.size() + bytes.size() > limits.body) {
    held -= request.body.size();
    request.body.clear();
    request.body_too_large = stream->too_large = true;
    return make_ready(id, *stream);
  }
  request.body += as_text(bytes);
  held += bytes.size();
}

namespace {

template <typename State>
struct Calls {
  static State& of(void* user) { return *static_cast<State*>(user); }

  static int begin(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    State& state = of(user);
    state.held += kStreamCost;
    state.streams.emplace(frame->hd.stream_id, Stream());
    return 0;
  }
  static int field(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                   const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) noexcept {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers
    return of(user).take_field(frame->hd.stream_id, as_text(Bytes(name, name_size)), as_text(Bytes(value, value_size)));
  }
  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                  void* user) noexcept {
    of(user).take_body(id, Bytes(bytes, size));
    return 0;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    const bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!carries || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    State& state = of(user);
    if (Stream* const stream = state.find(frame->hd.stream_id)) state.make_ready(frame->hd.stream_id, *stream);
    return 0;
  }
  // After its response the rest of a body that is too large is not waited for (RFC 9113 section 8.1).
  static int sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) noexcept {
    const bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!carries || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    const Stream* const stream = of(user).find(frame->hd.stream_id);
    if (stream == nullptr || !stream->too_large) return 0;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
  }
  static int closed(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) noexcept {
    of(user).close(id);
    return 0;
  }
  static ssize_t body(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags,
                      nghttp2_data_source*, void* user) noexcept {
    Stream* const stream = of(user).find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t count = std::min(size, stream->body.size() - stream->sent);
    std::memcpy(to, stream->body.data() + stream->sent, count);
    stream->sent += count;
    if (stream->sent == stream->body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }
};

Options make_options() {
  nghttp2_option* made = nullptr;
  CHECK(nghttp2_option_new(&made) == 0);
  Options options(made);
  nghttp2_option_set_no_auto_window_update(made, 1);
  nghttp2_option_set_no_closed_streams(made, 1);
  nghttp2_option_set_max_outbound_ack(made, kAcks);
  nghttp2_option_set_stream_reset_rate_limit(made, kResets, kResetsASecond);
  return options;
}

template <typename State>
Callbacks make_callbacks() {
  nghttp2_session_callbacks* made = nullptr;
  CHECK(nghttp2_session_callbacks_new(&made) == 0);
  Callbacks callbacks(made);
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, &Calls<State>::begin);
  nghttp2_session_callbacks_set_on_header_callback(made, &Calls<State>::field);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &Calls<State>::data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, &Calls<State>::frame);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, &Calls<State>::sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, &Calls<State>::closed);
  return callbacks;
}

}  // namespace

Http2::Http2(MessageLimits limits) : state_(std::make_unique<State>()) {
  state_->limits = limits;
  const Callbacks callbacks = make_callbacks<State>();
  const Options options = make_options();
  nghttp2_session* session = nullptr;
  CHECK(nghttp2_session_server_new2(&session, callbacks.get(), state_.get(), options.get()) == 0);
  state_->session.reset(session);
  // Room for a body that is too large, which is known by its first byte too many.
  const std::size_t window = limits.body + kOneFrame;
  const std::array<nghttp2_settings_entry, 3> settings{
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreams},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(window)},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header)}}};
  CHECK(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
  const auto all = static_cast<std::int32_t>(std::max<std::size_t>(2 * window, kLeastWindow));
  CHECK(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, all) == 0);
}

Http2::~Http2() {
  state_->session.reset();  // closes streams
}

void Http2::receive(Bytes in) {
  if (state_->broken || in.empty()) return;
  const ssize_t taken = nghttp2_session_mem_recv(state_->session.get(), in.data(), in.size());
  if (taken != static_cast<ssize_t>(in.size())) state_->broken = true;
}

std::optional<Inbound::Incoming> Http2::next() {
  if (state_->ready.empty()) return std::nullopt;
  const std::int32_t id = state_->ready.front();
  state_->ready.pop_front();
  Stream* const stream = state_->find(id);
  CHECK(stream != nullptr);
  state_->held -= stream->held();
  Incoming incoming{id, std::exchange(stream->request, Request())};
  stream->header = 0;
  state_->held += stream->held();
  stream->request.method = incoming.request.method;  // for HEAD
  return incoming;
}

bool Http2::has_next() const { return !state_->ready.empty(); }

void Http2::respond(std::int32_t id, Response response) {
  Stream* const stream = state_->find(id);
  if (stream == nullptr || stream->answered) return;
  stream->answered = true;
  std::vector<std::pair<std::string, std::string>> texts = {{":status", std::to_string(response.status)}};
  for (const Field& field : response.fields) {
    std::string name = lower_case(field.name);
    if (!is_token(name) || is_for_connection(name)) continue;
    std::string& value = texts.emplace_back(std::move(name), field.value).second;
    std::ranges::replace_if(value, std::not_fn(is_text_char), ' ');
  }
  texts.emplace_back("date", date_text(std::chrono::system_clock::now()));
  texts.emplace_back("content-length", std::to_string(response.body.size()));
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : texts) fields.push_back(pair_of(name, value));
  const bool has_body = !response.body.empty() && stream->request.method != "HEAD";
  state_->held += has_body ? response.body.size() : 0;
  if (has_body) stream->body = std::move(response.body);
  nghttp2_data_provider provider{};
  provider.read_callback = &Calls<State>::body;
  if (nghttp2_submit_response(state_->session.get(), id, fields.data(), fields.size(),
                              has_body ? &provider : nullptr) != 0) {
    state_->broken = true;
  }
}

void Http2::write(std::vector<std::uint8_t>& out, std::size_t most) {
  while (out.size() < most) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(state_->session.get(), &bytes);
    if (size < 0) state_->broken = true;
    if (size <= 0) return;
    out.insert(out.end(), bytes, bytes + size);
  }
}

bool Http2::wants_write() const { return nghttp2_session_want_write(state_->session.get()) != 0; }

bool Http2::over() const {
  return state_->broken || (nghttp2_session_want_read(state_->session.get()) == 0 && !wants_write());
}

std::size_t Http2::held() const { return state_->held; }

void Http2::drain() {
  const std::int32_t last = nghttp2_session_get_last_proc_stream_id(state_->session.get());
  static_cast<void>(
      nghttp2_submit_goaway(state_->session.get(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0));
}

std::size_t Http2::streams() const { return state_->streams.size(); }

}  // namespace swage::http
