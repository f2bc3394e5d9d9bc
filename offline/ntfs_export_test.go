package offline

// SameName and PlainRecord are for tests.
var (
	SameName    = sameName
	PlainRecord = plainRecord
)
