package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/boltsession/session/internal/record"
)

// values reads encoded values without knowing their Go types.
type values struct {
	marked bool // bytes are marked as such, for people
}

// encoded takes a value, or a part of one, as it is stored (CBOR, RFC 8949).
type encoded []byte

// UnmarshalCBOR keeps the bytes.
func (e *encoded) UnmarshalCBOR(data []byte) error {
	*e = bytes.Clone(data)
	return nil
}

// undecoded stands for what does not decode.
type undecoded struct {
	CBOR string `json:"$cbor"` // in hex
	Why  string `json:"$note,omitempty"`
}

// decode returns a value as what encoding/json writes: maps as objects, bytes in base64, times
// in RFC 3339, floats that JSON does not know as text. What cannot be decoded is an undecoded,
// with nothing around it lost. It takes arrays and maps apart level by level: a map may have keys
// that an any cannot hold below the top, and one bad element is not to hide the others.
func (v values) decode(raw encoded) any {
	if len(raw) == 0 {
		return undecoded{}
	}
	const array, object = 4, 5 // major types
	var err error
	switch raw[0] >> 5 {
	case array:
		var elements []encoded
		if err = record.Decode(raw, &elements); err == nil {
			return v.list(elements)
		}
	case object:
		var pairs map[any]encoded
		if err = record.Decode(raw, &pairs); err == nil {
			return v.object(pairs)
		}
	default:
		var scalar any
		if err = record.Decode(raw, &scalar); err == nil {
			return v.scalar(scalar, raw)
		}
		var number big.Int // an integer beyond int64
		if record.Decode(raw, &number) == nil {
			return &number
		}
	}
	return undecoded{CBOR: hex.EncodeToString(raw), Why: "does not decode"}
}

func (v values) list(elements []encoded) any {
	list := make([]any, len(elements))
	for i, e := range elements {
		list[i] = v.decode(e)
	}
	return list
}

func (v values) object(pairs map[any]encoded) any {
	object := make(map[string]any, len(pairs))
	for key, value := range pairs {
		object[fmt.Sprint(key)] = v.decode(value)
	}
	return object
}

// scalar returns what is no array or map as JSON can have it.
func (v values) scalar(x any, raw encoded) any {
	switch x := x.(type) {
	case nil, bool, string, int64, uint64:
		return x
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprint(x)
		}
		return x
	case []byte:
		text := base64.StdEncoding.EncodeToString(x)
		if v.marked {
			return "base64:" + text
		}
		return text
	case time.Time:
		return x.Format(time.RFC3339Nano)
	case big.Int:
		return &x
	}
	return undecoded{CBOR: hex.EncodeToString(raw), Why: fmt.Sprintf("decodes to %T", x)}
}
