//go:build linux

package hostile

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"github.com/boltsession/session/internal/torture/trial"
)

func runWeb(ctx context.Context, t *trial.Trial) error {
	return t.Each(ctx,
		check("fixation", fixation),
		check("duplicates", duplicates),
		check("renewal", renewal),
		check("late responses", lateResponses),
		check("strangers", strangers),
		check("header table", headerRows),
		check("expiry", expiry),
		check("writers", writers),
		check("revival", revival),
		check("shared caches", sharedCaches),
		check("hostile values", hostileValues),
		check("mixed up replies", mixedUp),
	)
}

// randomToken returns a token of the right form that nobody was given.
func randomToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
