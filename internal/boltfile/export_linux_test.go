package boltfile

var (
	LockPID = lockPID
	JudgeFS = judgeFS
)
