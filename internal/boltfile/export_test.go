package boltfile

import "time"

type Page = page

var (
	LockPID    = lockPID
	JudgeFS    = judgeFS
	JudgeOwner = judgeOwner
	ParseMeta  = parseMeta
	Order      = order
)

const TempAge = tempAge

// CloseWithin is CloseDirty with another patience.
func (f *File) CloseWithin(wait time.Duration) error { return f.closeWithin(wait) }
