// The bytes of a request and its response on their way between the client and the target.
#include "lb/client.h"
#include "lb/worker.h"

namespace brume::lb {
namespace {
constexpr std::size_t kCopiedBody = 4096;

template <typename Counts>
void count_status(int status, Counts& counts) {
  if (status < 300)
    counts.target_2xx.add();
  else if (status < 400)
    counts.target_3xx.add();
  else if (status < 500)
    counts.target_4xx.add();
  else
    counts.target_5xx.add();
}

}  // namespace

void Client::count_response(int status) {
  using std::chrono::microseconds;
  const auto time = std::chrono::duration_cast<microseconds>(worker_.loop().now() - sent_at_).count();
  GroupCounters& group = counters(*upstream_->target);
  group.response_microseconds.add(time);
  group.response_times[latency_bucket(time)].add();
  count_status(status, group);
  count_status(status, counters());
}

bool Client::move_request() {
  if (request_broken_) return false;
  Stream& up = upstream_->stream;
  if (up.has_unsent()) {
    if (!up.flush()) {
      request_broken_ = true;
      return true;
    }
    if (up.has_unsent()) return false;
  }
  if (request_body_.done() || upstream_->connecting) return false;
  if (stream_.input().empty()) {
    switch (stream_.fill()) {
      case Stream::Fill::nothing:
        return false;
      case Stream::Fill::data:
        break;
      case Stream::Fill::end:
      case Stream::Fill::error:
        close();
        return false;  // it left in mid-body; the target sees a cut, not an end
    }
  }
  const std::string_view input = stream_.input();
  const std::size_t taken = request_body_.take(input);
  if (request_body_.failed()) {
    fail(400);
    return true;
  }
  if (!up.send(input.substr(0, taken))) request_broken_ = true;
  stream_.consume(taken);
  received_ += taken;
  return true;
}

bool Client::move_response() {
  if (!stream_.flush()) return close(), false;
  if (stream_.has_unsent() || upstream_->connecting) return false;
  if (response_incomplete_) {
    switch (upstream_->stream.fill()) {
      case Stream::Fill::nothing:
        return false;
      case Stream::Fill::data:
        break;
      case Stream::Fill::end:
        return on_upstream_end();
      case Stream::Fill::error:
        fail(502);
        return true;
    }
  }
  return response_started_ ? pass_response_body() : read_response_head();
}

bool Client::read_response_head() {
  const std::string_view input = upstream_->stream.input();
  const HeadResult result = response_.parse(input.data(), input.size());
  if (result == HeadResult::incomplete) {
    response_incomplete_ = true;
    return true;
  }
  const ResponseHead& head = response_.head();
  const Framing framing =
      result == HeadResult::complete ? response_framing(head, input.data(), is_head_) : Framing{.error = 502};
  if (framing.error != 0 || (head.status == 101 && !upgrade_)) {
    fail(502);
    return true;
  }
  std::string& out = worker_.scratch();
  out.clear();
  if (head.status == 101) {
    write_response_head(head, input.data(), Afterwards::upgrade, false, out);
    const bool sent = stream_.send(out);
    sent_ += out.size();
    if (recording_) {
      record_->type = "ws";
      record_->target_status = head.status;
      record_->answered = worker_.loop().now();
    }
    upstream_->stream.consume(head.size);
    response_started_ = true;
    client_ended_ = upstream_ended_ = upstream_shut_ = false;
    phase_ = Phase::tunnelling;
    if (!sent) close();
    return true;
  }
  if (head.status < 200) {
    // 100 and 103 go on as they are; HTTP/1.0 knows none.
    const bool sent = http_1_0_ || stream_.send(input.substr(0, head.size));
    if (!http_1_0_) sent_ += head.size;
    upstream_->stream.consume(head.size);
    response_.reset();
    response_incomplete_ = upstream_->stream.input().empty();
    if (!sent) close();
    return true;
  }

  response_body_ = BodyTracker(framing);
  drop_chunked_ = http_1_0_ && framing.kind == BodyKind::chunked;
  if (framing.kind == BodyKind::until_close || drop_chunked_) keep_alive_ = false;
  upstream_keep_alive_ = framing.kind != BodyKind::until_close && !head.connection.close &&
                         (head.minor_version == 1 || head.connection.keep_alive);
  count_response(head.status);
  write_response_head(head, input.data(), keep_alive_ ? Afterwards::keep_alive : Afterwards::close, drop_chunked_, out);
  response_started_ = true;
  if (recording_) {
    record_->target_status = head.status;
    record_->answered = worker_.loop().now();
  }

  const std::string_view rest = input.substr(head.size);
  if (drop_chunked_) {
    const bool sent = stream_.send(out);
    sent_ += out.size();
    upstream_->stream.consume(head.size);
    response_incomplete_ = rest.empty();
    if (!sent) close();
    return true;
  }
  const std::size_t taken = response_body_.take(rest);
  // Copying a small body behind the head costs less than a gathering send.
  const bool small = taken <= kCopiedBody;
  if (small) out += rest.substr(0, taken);
  const bool sent = stream_.send(out, small ? std::string_view() : rest.substr(0, taken));
  sent_ += out.size() + (small ? 0 : taken);
  upstream_->stream.consume(head.size + taken);
  response_incomplete_ = true;
  if (!sent)
    close();
  else if (response_body_.failed())
    fail(502);
  else if (response_body_.done())
    finish_exchange();
  return true;
}

bool Client::pass_response_body() {
  Stream& up = upstream_->stream;
  const std::string_view input = up.input();
  std::size_t taken = 0;
  std::string_view payload;
  if (drop_chunked_) {
    const auto part = response_body_.step(input);
    taken = part.consumed;
    payload = part.payload;
  } else {
    taken = response_body_.take(input);
    payload = input.substr(0, taken);
  }
  const bool sent = payload.empty() || stream_.send(payload);
  sent_ += payload.size();
  up.consume(taken);
  response_incomplete_ = up.input().empty();
  if (!sent)
    close();
  else if (response_body_.failed())
    fail(502);
  else if (response_body_.done())
    finish_exchange();
  return true;
}

bool Client::on_upstream_end() {
  if (response_started_ && response_body_.kind() == BodyKind::until_close)
    finish_exchange();
  else
    fail(502);
  return true;
}

void Client::finish_exchange() {
  const Stream& up = upstream_->stream;
  // Anything more from the target, or an end that is already announced, makes the connection useless.
  const bool reusable = upstream_keep_alive_ && request_body_.done() && !request_broken_ && !up.has_unsent() &&
                        up.input().empty() && !up.readable();
  if (!request_body_.done() || finishing_ || view_->removed) keep_alive_ = false;
  const int status = response_.head().status;
  release_upstream(reusable);
  if (recording_) end_record(status);
  if (!keep_alive_) return end_when_sent();
  phase_ = Phase::reading_head;
  needs_input_ = stream_.input().empty();
  if (needs_input_) stream_.release_if_empty();
}

bool Client::tunnel(Stream& from, Stream& to, bool& from_ended, bool& to_shut) {
  if (!to.flush()) return close(), false;
  if (to.has_unsent()) return false;
  if (from.input().empty() && !from_ended) {
    switch (from.fill()) {
      case Stream::Fill::nothing:
        return false;
      case Stream::Fill::data:
        break;
      case Stream::Fill::end:
        from_ended = true;
        break;
      case Stream::Fill::error:
        close();
        return false;
    }
  }
  const std::string_view input = from.input();
  if (!input.empty()) {
    const bool sent = to.send(input);
    (&from == &stream_ ? received_ : sent_) += input.size();
    from.consume(input.size());
    if (!sent) return close(), false;
    return true;
  }
  if (!from_ended || to_shut) return false;
  to.shut_down_sending();
  to_shut = true;
  if (shut_ && upstream_shut_) {
    close();
    return false;
  }
  return true;
}

}  // namespace brume::lb
