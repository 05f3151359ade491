package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// minInterval is how often watch may ask: what is asked costs the app a little.
const minInterval = 100 * time.Millisecond

// watching is what watch was asked for.
type watching struct {
	interval time.Duration
	count    int
	asJSON   bool
}

// view shows samples.
type view interface {
	show(sample) error
	close() error
}

func newWatch(std streams) *cobra.Command {
	w := watching{interval: time.Second}
	cmd := &cobra.Command{
		Use:                   "watch FILE [--interval D] [--count N] [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "Show live what a store does",
		Long: `Show live what a store does: saves, commits, and sessions coming and going per
second, what is not on disk yet, and how large the file is. On a terminal it is a
screen that is drawn anew, until Ctrl-C or q; elsewhere, and with --json, it is a
line each time.

It goes on while the app restarts. A file that no app has open is looked at for a
moment each time, so that an app can start meanwhile.`,
		Example: `  sessctl watch sessions.db
  sessctl watch sessions.db --interval 10s | tee -a watch.log
  sessctl watch sessions.db --count 2 --json`,
		Args: operands(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case w.interval < minInterval:
				return usagef("--interval is %v, the least is %v", w.interval, minInterval)
			case w.count < 0:
				return usagef("--count is %d, it cannot be negative", w.count)
			}
			return w.run(cmd.Context(), std, args[0])
		},
	}
	cmd.Flags().Var((*durationFlag)(&w.interval), "interval", "time between two looks")
	cmd.Flags().IntVar(&w.count, "count", 0, "end after so many looks, 0 for never")
	jsonFlag(cmd, &w.asJSON, "one object per look, rates are per second")
	return cmd
}

// run looks until it has looked often enough or is interrupted, which is how watching ends.
func (w *watching) run(ctx context.Context, std streams, path string) (err error) {
	probe := &probe{path: path}
	defer probe.close()
	now, err := probe.look(ctx) // before the screen is taken: a typing error is told as ever
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v, err := w.view(std, path, cancel)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := v.close(); err == nil {
			err = closeErr
		}
	}()
	tick := time.NewTicker(w.interval)
	defer tick.Stop()
	for n := 1; ; n++ {
		if err := v.show(now); err != nil || n == w.count {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if now, err = probe.look(ctx); ctx.Err() != nil {
			return nil
		}
		now.err = err
	}
}

// view returns the screen if there is one, and lines otherwise.
func (w *watching) view(std streams, path string, cancel func()) (view, error) {
	switch {
	case w.asJSON:
		return jsonLines{std.out}, nil
	case isTerminal(std.out):
		return openScreen(std, path, cancel)
	}
	return textLines{std.out}, nil
}
