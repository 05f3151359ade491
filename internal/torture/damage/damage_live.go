//go:build linux

package damage

import (
	"context"

	"github.com/boltsession/session/internal/torture/trial"
)

func damageLive(ctx context.Context, t *trial.Trial) error      { return nil }
func damageRecover(ctx context.Context, t *trial.Trial) error   { return nil }
func damageCheckCost(ctx context.Context, t *trial.Trial) error { return nil }
