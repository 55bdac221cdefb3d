package mapping

import "github.com/goccy/go-yaml/ast"

// Direction is the direction in which a field's value is synced.
type Direction string

// The directions of `sync`.
const (
	ToSalesforce Direction = "to_salesforce" // the default
	Both         Direction = "both"
	ToMonday     Direction = "to_monday"
)

// Side is the system whose value wins if both changed since they last agreed.
type Side string

// The sides of `wins`.
const (
	Monday     Side = "monday" // the default
	Salesforce Side = "salesforce"
)

// RecordGone is what happens to an item whose record was deleted in Salesforce.
type RecordGone string

// The choices of `on_record_delete`.
const (
	Remake  RecordGone = "remake" // the default: the item gets another record when it changes
	Keep    RecordGone = "keep"
	Archive RecordGone = "archive"
)

// Duplicate is what happens to a record that violates a duplicate rule of Salesforce.
type Duplicate string

// The choices of `on_duplicate`.
const (
	Refuse Duplicate = "refuse" // the default: a dead letter with the Ids that Salesforce names
	Allow  Duplicate = "allow"  // the record is saved anyway
	Adopt  Duplicate = "adopt"  // the item takes the existing record
)

// Assignment is when Salesforce's assignment rules may choose the owner of a record we write.
type Assignment string

// The choices of `assignment`.
const (
	AssignOnCreate Assignment = "create" // the default
	AssignNever    Assignment = "never"
	AssignAlways   Assignment = "always"
)

// setting is a key whose value is one of several words, the default first.
type setting struct {
	key   string
	words []string
}

var (
	syncSetting       = setting{"sync", []string{string(ToSalesforce), string(Both), string(ToMonday)}}
	winsSetting       = setting{"wins", []string{string(Monday), string(Salesforce)}}
	recordGoneSetting = setting{"on_record_delete", []string{string(Remake), string(Keep), string(Archive)}}
	duplicateSetting  = setting{"on_duplicate", []string{string(Refuse), string(Allow), string(Adopt)}}
	assignmentSetting = setting{"assignment", []string{string(AssignOnCreate), string(AssignNever), string(AssignAlways)}}
)

// off switches a setting off. YAML treats it as ordinary text.
const off = "off"

// choose reads one of a setting's words. Any other word is a fault and yields the default.
func choose[T ~string](d *decoder, s setting, n ast.Node) T {
	w := d.oneOf(n, s.key, s.words...)
	if w == "" {
		return T(s.words[0])
	}
	return T(w)
}

// onOff reads `on` or `off`.
func (d *decoder) onOff(n ast.Node, key string) bool {
	return d.oneOf(n, key, "on", off) != off
}
