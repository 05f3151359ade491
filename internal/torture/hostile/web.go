//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
)

var web = technique{
	name:   "web",
	what:   "hostile clients over HTTP: planted tokens, strangers, late responses, odd writers, published flaws",
	proves: "17, 19, 20, 21",
	breaks: "a middleware that adopts the client's ID, over a store with the raw ID, before which nobody renews",
	run:    runWeb,
}

func runWeb(ctx context.Context, t *trial) error {
	return t.each(ctx,
		check{"fixation", fixation},
		check{"duplicates", duplicates},
		check{"renewal", renewal},
		check{"late responses", lateResponses},
		check{"strangers", strangers},
		check{"header table", headerRows},
		check{"expiry", expiry},
		check{"writers", writers},
		check{"revival", revival},
		check{"shared caches", sharedCaches},
		check{"hostile values", hostileValues},
		check{"mixed up replies", mixedUp},
	)
}

// randomToken returns a token of the right form that nobody was given.
func randomToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
