package mapping

import "github.com/goccy/go-yaml/ast"

// Direction is which way the value of a field goes.
type Direction string

// The directions of `sync`.
const (
	ToSalesforce Direction = "to_salesforce" // the default
	Both         Direction = "both"
	ToMonday     Direction = "to_monday"
)

// Side is the system whose value stands where both changed since they last agreed.
type Side string

// The sides of `wins`.
const (
	Monday     Side = "monday" // the default
	Salesforce Side = "salesforce"
)

// RecordGone is what becomes of an item whose record was deleted in Salesforce.
type RecordGone string

// The choices of `on_record_delete`.
const (
	Remake  RecordGone = "remake" // the default: the item gets another record when it changes
	Keep    RecordGone = "keep"
	Archive RecordGone = "archive"
)

// Duplicate is what becomes of a record to which a duplicate rule of Salesforce objects.
type Duplicate string

// The choices of `on_duplicate`.
const (
	Refuse Duplicate = "refuse" // the default: a dead letter with the Ids that Salesforce names
	Allow  Duplicate = "allow"  // the record is saved all the same
	Adopt  Duplicate = "adopt"  // the item takes the record that is there
)

// Assignment is when Salesforce's assignment rules may choose the owner of a record that we write.
type Assignment string

// The choices of `assignment`.
const (
	AssignOnCreate Assignment = "create" // the default
	AssignNever    Assignment = "never"
	AssignAlways   Assignment = "always"
)

// setting is a key whose value is one of a few words, the default first.
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

// off is the word that switches a setting off. To YAML it is a text like any other.
const off = "off"

// refusals say, for each key, which of its values are refused.
type refusals map[string]func(value string) bool

// unsupported are the values that are decoded and checked, and that this version does not act on. Whoever builds one of
// them removes it here, and the mapping files that use it are accepted.
var unsupported = refusals{
	"sync":             func(v string) bool { return v != string(ToSalesforce) },
	"wins":             func(v string) bool { return v != string(Monday) },
	"on_record_delete": func(v string) bool { return v != string(Remake) },
}

// choose reads one of a setting's words. A word that is not among them is the default, and a fault.
func choose[T ~string](d *decoder, s setting, n ast.Node) T {
	w := d.oneOf(n, s.key, s.words...)
	if w == "" {
		return T(s.words[0])
	}
	d.supported(placeOf(n), s, w)
	return T(w)
}

// supported reports a value that this version does not act on as a fault.
func (d *decoder) supported(at place, s setting, value string) {
	if refuses := d.unsupported[s.key]; refuses != nil && refuses(value) {
		d.fault(at, "%q is not supported by this version yet; leave it out, or write %q", s.key+": "+value, s.words[0])
	}
}

// onOff reads `on` or `off`.
func (d *decoder) onOff(n ast.Node, key string) bool {
	return d.oneOf(n, key, "on", off) != off
}
