package record_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session/internal/record"
)

func someMeta() *record.Meta {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)
	return &record.Meta{
		Created: at, LastAccess: at.Add(time.Minute), End: at.Add(720 * time.Hour), MaxAge: 4 * time.Hour, Filed: at.Add(4 * time.Hour),
		User: "alice", Salt: []byte("0123456789abcdef"), Fingerprint: []byte(strings.Repeat("f", 32)), Components: []string{"", "cart"},
	}
}

func TestMeta(t *testing.T) {
	old := record.Meta{Created: time.Unix(-5, 0).UTC(), End: time.Unix(0, math.MinInt64).UTC(), Filed: time.Unix(0, math.MaxInt64).UTC(), MaxAge: -1}
	for name, m := range map[string]*record.Meta{"zero": {}, "full": someMeta(), "old": &old, "long": {User: strings.Repeat("é", 200), Components: make([]string, 300)}} {
		body := record.AppendMeta([]byte("x"), m)[1:]
		got, err := record.ParseMeta(body)
		if err != nil || !reflect.DeepEqual(got, *m) {
			t.Errorf("%s: gave %v (%v), want %v", name, got, err, *m)
		}
		if cap(got.Salt) > len(got.Salt) {
			t.Errorf("%s: an append to the salt would overwrite what is behind it", name)
		}
		clear(body)
		if !reflect.DeepEqual(got, *m) {
			t.Errorf("%s: changes with the bytes it was read from", name)
		}
	}
}

// MetaIndexed finds user and deadline in any record of metadata, and nothing wrong in a damaged one harms it.
func TestMetaIndexed(t *testing.T) {
	for _, m := range []*record.Meta{{}, someMeta(), {User: "bob", End: time.Unix(-1, 0)}} {
		rec := record.Seal(nil, []byte("bucket"), []byte("key"), record.AppendMeta(nil, m))
		filed, user := record.MetaIndexed(rec)
		if string(user) != m.User {
			t.Errorf("user %q, want %q", user, m.User)
		}
		if !m.Filed.IsZero() && filed != m.Filed.UnixNano() || m.Filed.IsZero() && filed != 0 {
			t.Errorf("deadline %d, want %v", filed, m.Filed)
		}
		for i := range rec {
			record.MetaIndexed(rec[:i])
			for bit := range 8 {
				rec[i] ^= 1 << bit
				record.MetaIndexed(rec)
				rec[i] ^= 1 << bit
			}
		}
	}
}

func TestMetaClampsTimes(t *testing.T) {
	body := record.AppendMeta(nil, &record.Meta{Created: time.Unix(-1<<40, 0), End: time.Unix(1<<40, 0)})
	got, err := record.ParseMeta(body)
	if err != nil || got.Created.UnixNano() != math.MinInt64 || got.End.UnixNano() != math.MaxInt64 {
		t.Errorf("gave %v and %v (%v), want the earliest and the latest time", got.Created, got.End, err)
	}
}

func TestMetaLocalTimeComesBackInUTC(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 7200))
	got, err := record.ParseMeta(record.AppendMeta(nil, &record.Meta{Created: at}))
	if err != nil || !got.Created.Equal(at) || got.Created.Location() != time.UTC {
		t.Errorf("gave %v (%v), want %v in UTC", got.Created, err, at)
	}
}

func TestParseMetaMalformed(t *testing.T) {
	body := record.AppendMeta(nil, someMeta())
	for end := range body {
		if m, err := record.ParseMeta(body[:end]); !errors.Is(err, record.ErrMalformed) || !reflect.DeepEqual(m, record.Meta{}) {
			t.Errorf("cut at %d: gave %v and %v, want ErrMalformed", end, m, err)
		}
	}
	const zero = "\x89\xf6\xf6\xf6\x00\xf6\x60\x40\x40\x80"
	if _, err := record.ParseMeta([]byte(zero)); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"trailing": zero + "\x00", "eight": "\x88" + zero[1:len(zero)-1], "ten": "\x8a" + zero[1:] + "\x00", "long head": "\x98\x09" + zero[1:],
		"map": "\xa9" + zero[1:], "long time": "\x89\x18\x01" + zero[2:], "large time": "\x89\x1b\x80\x00\x00\x00\x00\x00\x00\x00" + zero[2:],
		"text time": "\x89\x60" + zero[2:], "float time": "\x89\xf9\x00\x00" + zero[2:], "null age": "\x89\xf6\xf6\xf6\xf6" + zero[5:],
		"user bytes": "\x89\xf6\xf6\xf6\x00\xf6\x40\x40\x40\x80", "user utf-8": "\x89\xf6\xf6\xf6\x00\xf6\x61\xff\x40\x40\x80",
		"salt text": "\x89\xf6\xf6\xf6\x00\xf6\x60\x60\x40\x80", "null components": "\x89\xf6\xf6\xf6\x00\xf6\x60\x40\x40\xf6",
		"component": "\x89\xf6\xf6\xf6\x00\xf6\x60\x40\x40\x81\x00", "component utf-8": "\x89\xf6\xf6\xf6\x00\xf6\x60\x40\x40\x81\x61\xff",
		"many components": "\x89\xf6\xf6\xf6\x00\xf6\x60\x40\x40\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		if m, err := record.ParseMeta([]byte(body)); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("%s: gave %v and %v, want ErrMalformed", name, m, err)
		}
	}
}
