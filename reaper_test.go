package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// reapFunc is a store that can only be reaped.
type reapFunc func(ctx context.Context) (int, error)

func (f reapFunc) Reap(ctx context.Context) (int, error) { return f(ctx) }

// startReaper returns a reaper that is closed when the test ends, and its log.
func startReaper(t *testing.T, schedule string, store reapFunc) (*Reaper, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	r, err := NewReaper(store, schedule, &ReaperOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, &log
}

func TestReaperRunsBySchedule(t *testing.T) {
	tests := []struct {
		schedule string
		in24h    int64
	}{
		{"", 144},
		{"@hourly", 24},
		{"@every 1h30m", 16},
		{"0 */6 * * *", 4},
		{"15 3 * * *", 1},
		{Never, 0},
	}
	for _, test := range tests {
		t.Run(test.schedule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int64
				r, _ := startReaper(t, test.schedule, func(context.Context) (int, error) {
					return int(runs.Add(1)), nil
				})
				if last := r.Last(); last != (ReapRun{}) {
					t.Errorf("before the first run Last is %+v", last)
				}
				time.Sleep(24*time.Hour + time.Second)
				synctest.Wait()
				if got := runs.Load(); got != test.in24h {
					t.Errorf("%d runs in 24 hours, want %d", got, test.in24h)
				}
				if last := r.Last(); last.Reaped != int(test.in24h) || last.Err != nil || last.Skipped {
					t.Errorf("Last is %+v", last)
				}
			})
		})
	}
}

func TestReapNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fault := errors.New("disk")
		r, _ := startReaper(t, Never, func(context.Context) (int, error) {
			time.Sleep(3 * time.Second)
			return 7, fault
		})
		start := time.Now()
		if n, err := r.Reap(t.Context()); n != 7 || err != fault {
			t.Errorf("Reap returned %d, %v", n, err)
		}
		want := ReapRun{Start: start, Took: 3 * time.Second, Reaped: 7, Err: fault}
		if got := r.Last(); got != want {
			t.Errorf("Last is %+v, want %+v", got, want)
		}
	})
}

// TestReapWaitsItsTurn: a Reap during another does its own run afterwards, unless its context
// ends before that.
func TestReapWaitsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, runs atomic.Int64
		r, _ := startReaper(t, Never, func(context.Context) (int, error) {
			if running.Add(1) > 1 {
				t.Error("two runs at a time")
			}
			defer running.Add(-1)
			time.Sleep(time.Minute)
			return int(runs.Add(1)), nil
		})
		for range 3 {
			go r.Reap(context.Background())
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Reap(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("impatient Reap: %v", err)
		}
		if _, err := r.Reap(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Reap with a dead context: %v", err)
		}
		if n, err := r.Reap(t.Context()); err != nil || n < 2 {
			t.Errorf("patient Reap was run %d, %v", n, err)
		}
		time.Sleep(time.Hour)
		if got := runs.Load(); got != 4 {
			t.Errorf("%d runs, want 4", got)
		}
	})
}

func TestScheduledRunIsSkippedDuringAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		r, log := startReaper(t, "@every 1m", func(context.Context) (int, error) {
			runs.Add(1)
			time.Sleep(150 * time.Second)
			return 1, nil
		})
		time.Sleep(125 * time.Second) // due at 60 and 120
		if got := runs.Load(); got != 1 {
			t.Errorf("%d runs began, want 1", got)
		}
		if last := r.Last(); !last.Skipped || last.Reaped != 0 {
			t.Errorf("Last is %+v, want it skipped", last)
		}
		time.Sleep(120 * time.Second) // the first ends at 210, due at 240
		if got := runs.Load(); got != 2 {
			t.Errorf("%d runs began, want 2", got)
		}
		if !strings.Contains(log.String(), "skipped") {
			t.Errorf("log: %s", log)
		}
	})
}

// TestPanicInOneRun: with cron's own wrappers the job would never run again.
func TestPanicInOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		r, log := startReaper(t, "@hourly", func(context.Context) (int, error) {
			switch runs.Add(1) {
			case 1:
				panic("token-of-somebody")
			case 2:
				var none []int
				none[runs.Load()] = 1
			}
			return 5, nil
		})
		time.Sleep(time.Hour + time.Second)
		if err := r.Last().Err; err == nil || !strings.Contains(err.Error(), "panicked: string") {
			t.Errorf("after the first run Err is %v", err)
		}
		time.Sleep(time.Hour)
		if err := r.Last().Err; err == nil || !strings.Contains(err.Error(), "index out of range") {
			t.Errorf("after the second run Err is %v", err)
		}
		time.Sleep(time.Hour)
		if last := r.Last(); last.Reaped != 5 || last.Err != nil {
			t.Errorf("the third run is %+v", last)
		}
		if s := log.String(); !strings.Contains(s, "reaper_test.go") || strings.Contains(s, "token-of-somebody") {
			t.Errorf("log without the place, or with the value: %s", s)
		}
	})
}

func TestCloseCancelsAndWaits(t *testing.T) {
	for name, schedule := range map[string]string{"scheduled": "@every 1s", "told": Never} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ended atomic.Bool
				r, log := startReaper(t, schedule, func(ctx context.Context) (int, error) {
					<-ctx.Done()
					time.Sleep(time.Minute) // to finish its transaction
					ended.Store(true)
					return 3, ctx.Err()
				})
				if schedule == Never {
					go r.Reap(context.Background())
				}
				waiting := make(chan error, 1)
				time.Sleep(1500 * time.Millisecond)
				go func() { _, err := r.Reap(context.Background()); waiting <- err }()
				synctest.Wait()
				go r.Close()
				if err := r.Close(); err != nil || !ended.Load() {
					t.Errorf("Close returned %v, the run had ended: %t", err, ended.Load())
				}
				if err := <-waiting; err != ErrClosed {
					t.Errorf("a waiting Reap got %v", err)
				}
				if last := r.Last(); last.Err != ErrClosed || last.Reaped != 3 {
					t.Errorf("Last is %+v", last)
				}
				if _, err := r.Reap(context.Background()); err != ErrClosed {
					t.Errorf("Reap after Close: %v", err)
				}
				before := r.Last()
				time.Sleep(time.Hour)
				if r.Last() != before || log.Len() != 0 {
					t.Errorf("after Close %+v, log: %s", r.Last(), log)
				}
			})
		})
	}
}

func TestReapSchedulesRefused(t *testing.T) {
	store := reapFunc(func(context.Context) (int, error) { return 0, nil })
	for _, schedule := range []string{
		"TZ=UTC 0 3 * * *", "CRON_TZ=UTC 0 3 * * *", "TZ=UTC", "CRON_TZ=", " TZ=UTC 0 3 * * *",
		"0 0 31 2 *", "0 0 30 2 *",
		"@every 999ms", "@every 0s", "@every -1h", "@every", "@every x", "@every  1h ",
		"@fortnightly", "@", " ", "60 * * * *", "* * * *", "* * * * * *", "*/0 * * * *", "5-1 * * * *", "Never",
	} {
		r, err := NewReaper(store, schedule, nil)
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "session: reap schedule ") {
			t.Errorf("%q: error %v", schedule, err)
		}
	}
	if _, err := NewReaper(nil, "", nil); err == nil {
		t.Error("a reaper for no store")
	}
	r, err := NewReaper(store, "0 0 29 2 *", nil) // leap days
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

// FuzzReapSchedule: any schedule is either refused or comes due after now.
func FuzzReapSchedule(f *testing.F) {
	for _, seed := range []string{"", Never, "@every 1h", "*/5 1,2 * jan-mar mon", "TZ=", "CRON_TZ=x", "@", "0 0 31 2 *"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, schedule string) {
		now := time.Unix(1e9, 0)
		due, err := parseSchedule(schedule, now)
		if err == nil && due != nil && !due.Next(now).After(now) {
			t.Errorf("%q comes due at %s", schedule, due.Next(now))
		}
		if err != nil && due != nil {
			t.Errorf("%q: a schedule and an error", schedule)
		}
	})
}

// panicking is a log handler that panics whatever comes.
type panicking struct{}

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("log") }
func (p panicking) WithAttrs([]slog.Attr) slog.Handler      { return p }
func (p panicking) WithGroup(string) slog.Handler           { return p }

// TestPanicInTheLog: nobody is there to recover it, and it is no reason to end the process.
func TestPanicInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		r, err := NewReaper(reapFunc(func(context.Context) (int, error) {
			switch runs.Add(1) {
			case 1:
				panic("store")
			case 2:
				return 0, errors.New("disk")
			case 4:
				time.Sleep(90 * time.Minute) // the next run is skipped
			}
			return 5, nil
		}), "@hourly", &ReaperOptions{Logger: slog.New(panicking{})})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		time.Sleep(time.Hour + time.Second)
		if err := r.Last().Err; err == nil || !strings.Contains(err.Error(), "panicked: string") {
			t.Errorf("after the first run Err is %v", err)
		}
		time.Sleep(6 * time.Hour)
		if got := runs.Load(); got != 6 || r.Last().Reaped != 5 {
			t.Errorf("%d runs, the last is %+v", got, r.Last())
		}
	})
}
