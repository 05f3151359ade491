package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/robfig/cron/v3"
)

// DefaultReapSchedule is the schedule of a [Reaper] that is given none (Connect's interval).
const DefaultReapSchedule = "@every 10m"

// Never is the schedule of a [Reaper] that runs only when told.
const Never = "never"

// ReaperOptions are the options of [NewReaper].
type ReaperOptions struct {
	// Logger gets what goes wrong in runs that nobody waits for. Nil is slog.Default().
	Logger *slog.Logger
}

// Reaper deletes a store's expired sessions by a schedule, and when told. One run at a time:
// a run that comes due during another is skipped, and [Reaper.Reap] waits for its turn.
//
// A [BoltStore] has one already, by BoltOptions.Reap; a [MemoryStore] needs none.
type Reaper struct {
	store Reapable
	log   *slog.Logger

	closing context.Context // done when Close begins
	cancel  context.CancelFunc
	closed  atomic.Bool
	stopped chan struct{}  // closed when Close is through
	work    sync.WaitGroup // the schedule, and the runs that it began
	turn    chan struct{}  // holds an item while a run is under way, and for ever after Close

	mu    sync.Mutex
	last  ReapRun
	clock clockWatch
}

// ReapRun is what a [Reaper] tells of a run.
type ReapRun struct {
	Start   time.Time
	Took    time.Duration
	Reaped  int   // sessions deleted, also when the run failed later
	Err     error // nil when all that was due is deleted
	Skipped bool  // came due and did not run: another run was under way, or the clock was set forward
}

// NewReaper returns a reaper that runs store.Reap by schedule: five cron fields, in local time,
// or a descriptor such as "@hourly" or "@every 10m". The empty schedule is
// [DefaultReapSchedule]; with [Never] only [Reaper.Reap] runs. Schedules with a time zone, that
// never come due, or of less than a second are errors. Close must be called.
//
// A scheduled run is skipped once when the clock was set forward by more than a minute since
// the one before, or the machine slept: whoever sets a wrong clock right, as a machine without
// a battery does after it booted, has a run's time to set it right again before sessions go.
func NewReaper(store Reapable, schedule string, opts *ReaperOptions) (*Reaper, error) {
	if store == nil {
		return nil, errors.New("session: NewReaper: the store is nil")
	}
	due, err := parseSchedule(schedule, time.Now())
	if err != nil {
		return nil, err
	}
	r := &Reaper{
		store:   store,
		log:     slog.Default(),
		stopped: make(chan struct{}),
		turn:    make(chan struct{}, 1),
		clock:   newClockWatch(time.Now()),
	}
	if opts != nil && opts.Logger != nil {
		r.log = opts.Logger
	}
	r.closing, r.cancel = context.WithCancel(context.Background())
	if due != nil {
		r.work.Go(func() { r.follow(&alarm{due: due}) })
	}
	return r, nil
}

// parseSchedule returns when schedule comes due, nil for Never. It refuses what cron takes but
// does not do as written, and what its parser panics at.
func parseSchedule(schedule string, now time.Time) (due cron.Schedule, err error) {
	bad := func(why string) (cron.Schedule, error) {
		return nil, fmt.Errorf("session: reap schedule %q: %s", schedule, why)
	}
	defer func() {
		if v := recover(); v != nil {
			due, err = bad("not a cron schedule")
		}
	}()
	switch schedule {
	case "":
		schedule = DefaultReapSchedule
	case Never:
		return nil, nil
	}
	if strings.Contains(schedule, "TZ=") {
		return bad("time zones are not supported, it is read in local time; leave out TZ=")
	}
	if due, err = cron.ParseStandard(schedule); err != nil {
		return nil, fmt.Errorf("session: reap schedule %q: %w; write it as \"@every 10m\" or \"0 3 * * *\", or session.Never", schedule, err)
	}
	if every, ok := strings.CutPrefix(schedule, "@every "); ok {
		if d, _ := time.ParseDuration(every); d < time.Second {
			return bad("shorter than a second")
		}
	}
	if due.Next(now).IsZero() {
		return bad("never comes due; say Never if that is meant")
	}
	return due, nil
}

// Reap deletes the expired sessions now and returns how many it deleted. It waits for a run
// under way, as long as ctx lets it, and does its own after it. After Close, and when Close
// interrupts it, it returns ErrClosed.
func (r *Reaper) Reap(ctx context.Context) (int, error) {
	if r.closing.Err() != nil {
		return 0, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("session: wait to reap: %w", err)
	}
	select {
	case r.turn <- struct{}{}:
	case <-r.closing.Done():
		return 0, ErrClosed
	case <-ctx.Done():
		return 0, fmt.Errorf("session: wait to reap: %w", ctx.Err())
	}
	defer r.endTurn()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.closing, cancel)()
	run := r.run(ctx)
	return run.Reaped, run.Err
}

// Last returns the latest run, scheduled or not. It is zero before the first has ended.
func (r *Reaper) Last() ReapRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Close stops the schedule, cancels the run under way and waits for its end. Later and
// concurrent calls wait, too, and return nil like the first. It must not be called by the
// store's Reap.
func (r *Reaper) Close() error {
	if r.closed.Swap(true) {
		<-r.stopped
		return nil
	}
	r.cancel()
	r.work.Wait()
	r.turn <- struct{}{}
	close(r.stopped)
	return nil
}

// follow has runs come due until the reaper is closed. cron's own loop would not do: it goes by the
// wall clock, and after that was set back it waits until it is as late again. Nor would its wrappers:
// SkipIfStillRunning under Recover never runs a job again that panicked once.
func (r *Reaper) follow(a *alarm) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.closing.Done():
			return
		case <-timer.C:
		}
		isDue, wait := a.look(time.Now())
		if isDue {
			r.work.Go(r.comeDue)
		}
		timer.Reset(wait)
	}
}

// comeDue is the scheduled job.
func (r *Reaper) comeDue() {
	now := time.Now()
	if r.setForward(now) {
		r.say(slog.LevelWarn, "session: reaping skipped once: the clock was set forward, or the machine slept")
		r.record(ReapRun{Start: now, Skipped: true})
		return
	}
	select {
	case r.turn <- struct{}{}:
	default:
		r.say(slog.LevelWarn, "session: reaping skipped: another run is still under way")
		r.record(ReapRun{Start: now, Skipped: true})
		return
	}
	defer r.endTurn()
	if r.closing.Err() != nil {
		return
	}
	switch run := r.run(r.closing); {
	case run.Err == nil:
		r.say(slog.LevelDebug, "session: reaped", "sessions", run.Reaped, "took", run.Took)
	case !errors.Is(run.Err, ErrClosed):
		r.say(slog.LevelError, "session: reaping failed", "error", run.Err, "sessions", run.Reaped, "took", run.Took)
	}
}

func (r *Reaper) endTurn() { <-r.turn }

// run does one run, in its turn. Its cancellation by Close shows as ErrClosed.
func (r *Reaper) run(ctx context.Context) ReapRun {
	run := ReapRun{Start: time.Now()}
	run.Reaped, run.Err = r.reap(ctx)
	run.Took = time.Since(run.Start)
	if errors.Is(run.Err, context.Canceled) && r.closing.Err() != nil {
		run.Err = ErrClosed
	}
	r.record(run)
	return run
}

// reap turns a panic of the store into an error. Only the runtime's own panics are quoted:
// another's value could hold what a log must not.
func (r *Reaper) reap(ctx context.Context) (n int, err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		what := fmt.Sprintf("%T", v)
		if fault, ok := v.(runtime.Error); ok {
			what = fault.Error()
		}
		err = fmt.Errorf("session: reap: the store panicked: %s", what)
		r.say(slog.LevelError, "session: panic while reaping", "panic", what, "stack", string(debug.Stack()))
	}()
	return r.store.Reap(ctx)
}

// say logs. The handler may be the app's own, and on the schedule's goroutine nobody recovers: its
// panic must not end the process.
func (r *Reaper) say(level slog.Level, msg string, args ...any) {
	defer func() { _ = recover() }()
	r.log.Log(context.Background(), level, msg, args...)
}

func (r *Reaper) record(run ReapRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = run
}

func (r *Reaper) setForward(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clock.setForward(now.Round(0), now.Sub(r.clock.start))
}
