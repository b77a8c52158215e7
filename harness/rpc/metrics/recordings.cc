#include "harness/rpc/metrics/recordings.h"

#include <mutex>
#include <utility>

#include "harness/rpc/metrics/metrics_calls.h"

namespace harness::rpc {
namespace {

constexpr int64_t kWaitNs = 10'000'000'000;
// A reader waits for its node as long as the session may last.
constexpr std::chrono::hours kCallMax{24};
constexpr std::chrono::seconds kRecordingStopMax{5};
// Samples are fetched some at a time, because nobody waits for a single one.
constexpr auto kPause = 1 * kj::SECONDS;

constexpr char kRecord[] = "record metrics";

}  // namespace

// What both threads know.
struct RunningRecording::Shared {
  explicit Shared(std::string node) : fetched(std::move(node)) {}

  // Adds the answer of a call that was made for this number.
  void add(uint64_t of, uint64_t after, RecordingPart part) {
    std::lock_guard<std::mutex> lock(mutex);
    if (of == number) fetched.add(after, std::move(part));
  }
  std::pair<uint64_t, uint64_t> numberAndLast() const {
    std::lock_guard<std::mutex> lock(mutex);
    return {number, fetched.last()};
  }

  mutable std::mutex mutex;

  // These two are guarded by mutex. The number is that of the recording on the node.
  uint64_t number = 0;
  FetchedSeries fetched;

  // The scope that the recording belongs to. Set once.
  ScopeHandle scope;

  // Belongs to the io thread. Resolving it ends everything there.
  kj::Own<kj::PromiseFulfiller<void>> end;
};

// Everything on the io thread. It is attached to a promise of that thread, and so ends with it.
class RunningRecording::OnLoop final {
 public:
  OnLoop(ControllerNode::Impl& node, RecordingPlan plan, std::shared_ptr<Shared> shared)
      : node_(node), plan_(std::move(plan)), shared_(std::move(shared)) {}

  // Says so to the node, and does not wait for it: the end of the session ends the recording.
  ~OnLoop() noexcept(false) {
    if (!node_.onLoop) return;
    auto stopped = call<bool>(std::chrono::steady_clock::now() + kRecordingStopMax,
                              stopAttempt(shared_->numberAndLast().first));
    node_.io.spawn(stopped.ignoreResult().catch_([](kj::Exception&&) {}));
  }
  KJ_DISALLOW_COPY(OnLoop);

  kj::Promise<void> begin(SteadyTime until) {
    uint64_t number = newRecordingNumber(node_);
    {
      std::lock_guard<std::mutex> lock(shared_->mutex);
      shared_->number = number;
    }
    return call<bool>(until, recordAttempt(plan_, number)).ignoreResult();
  }

  void fetchOn() {
    fetching_ = fetch().eagerlyEvaluate([this](kj::Exception&& exception) {
      std::lock_guard<std::mutex> lock(shared_->mutex);
      shared_->fetched.note(std::string("the recording ended early: ") + textOf(exception).cStr());
    });
  }

 private:
  template <typename T>
  kj::Promise<T> call(SteadyTime until, Attempt<T> attempt) {
    // After the end of the connections there is no call to make.
    if (!node_.onLoop) return unreachableNode("the connections were closed");
    return node_.connection().call<T>(until, std::move(attempt), shared_->scope);
  }

  kj::Promise<void> fetch() {
    auto [number, after] = shared_->numberAndLast();
    auto until = std::chrono::steady_clock::now() + kCallMax;
    return call<RecordingPart>(until, readAttempt(number, after, kWaitNs))
        .then(
            [this, number, after](RecordingPart&& part) -> kj::Promise<void> {
              bool hasMore = part.hasMore;
              shared_->add(number, after, std::move(part));
              if (hasMore) return fetch();
              return pause().then([this]() { return fetch(); });
            },
            [this](kj::Exception&& exception) { return beginAgain(kj::mv(exception)); });
  }

  // A session that is gone has taken the recording with it, and the next one gets another.
  kj::Promise<void> beginAgain(kj::Exception&& exception) {
    if (!isGone(kindOf(exception))) return kj::mv(exception);
    std::string why = textOf(exception).cStr();
    return pause()
        .then([this]() { return begin(std::chrono::steady_clock::now() + kCallMax); })
        .then([this, why]() {
          {
            std::lock_guard<std::mutex> lock(shared_->mutex);
            shared_->fetched.beginAgain(why);
          }
          return fetch();
        });
  }

  kj::Promise<void> pause() { return node_.io.timer().afterDelay(kPause); }

  ControllerNode::Impl& node_;
  const RecordingPlan plan_;
  std::shared_ptr<Shared> shared_;
  kj::Promise<void> fetching_ = nullptr;
};

RunningRecording::RunningRecording(ControllerNode& node, const RecordingPlan& plan,
                                   SteadyTime until)
    : node_(node), shared_(std::make_shared<Shared>(node.description().name)) {
  ControllerNode::Impl& impl = node.impl();
  shared_->scope = impl.scopes.current();
  impl.blocking(kRecord, until, [&]() {
    auto onLoop = kj::heap<OnLoop>(impl, plan, shared_);
    auto begun = onLoop->begin(until);
    return begun.then([&impl, shared = shared_, onLoop = kj::mv(onLoop)]() mutable {
      onLoop->fetchOn();
      auto end = kj::newPromiseAndFulfiller<void>();
      shared->end = kj::mv(end.fulfiller);
      impl.io.spawn(end.promise.attach(kj::mv(onLoop)));
      return true;
    });
  });
}

RunningRecording::~RunningRecording() {
  node_.impl().io.post([shared = shared_]() {
    if (shared->end) shared->end->fulfill();
  });
}

// What came by other calls meanwhile is not asked for again. A recording that began anew meanwhile
// has nothing to give yet.
muster::MetricSeries RunningRecording::series(SteadyTime until) const {
  std::string missing;
  try {
    for (bool hasMore = true; hasMore;) {
      auto [number, after] = shared_->numberAndLast();
      RecordingPart part = ask<RecordingPart>(node_, "read metrics", until,
                                              readAttempt(number, after, 0), shared_->scope);
      hasMore = part.hasMore;
      shared_->add(number, after, std::move(part));
    }
  } catch (const muster::NodeError& error) {
    missing = std::string("the newest samples are missing: ") + error.what();
  }
  std::lock_guard<std::mutex> lock(shared_->mutex);
  muster::MetricSeries series = shared_->fetched.series();
  if (!missing.empty()) series.notes.push_back(missing);
  return series;
}

}  // namespace harness::rpc
