package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
	"crmsync/worker/sweep"
)

// planVersion is the version of the format of plans.
const planVersion = 1

// readPlan reads a file of plan --out. It accepts only what plan wrote, with the mapping in force.
func readPlan(path string, m *mapping.Mapping) (*planFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--plan: %w", err)
	}
	if err := checkVersion(path, text); err != nil {
		return nil, fmt.Errorf("--plan: %w", err)
	}
	var f planFile
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("--plan: %w", unreadable(path, text, err, decoder.InputOffset()))
	}
	if f.Mapping != m.Fingerprint() {
		return nil, fmt.Errorf("--plan: %s was created with another mapping; plan again", path)
	}
	if err := f.unedited(); err != nil {
		return nil, fmt.Errorf("--plan: %s: %w; plan again, and choose items with --item", path, err)
	}
	return &f, nil
}

// checkVersion reads only the version of a plan: the format of other versions is unknown.
func checkVersion(path string, text []byte) error {
	var f struct {
		Version *int `json:"version"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&f); err != nil {
		return unreadable(path, text, err, decoder.InputOffset())
	}
	if rest, err := io.ReadAll(decoder.Buffered()); err != nil || len(bytes.TrimSpace(rest)) > 0 {
		line, column := placeOf(text, decoder.InputOffset())
		return fmt.Errorf("%s:%d:%d: unexpected content after the end of the plan; plan again", path, line, column)
	}
	switch {
	case f.Version == nil:
		return fmt.Errorf("%s is not a file written by crmsync plan --out: it has no version", path)
	case *f.Version != planVersion:
		return fmt.Errorf("%s has the version %d, and this program reads version %d; plan again", path, *f.Version,
			planVersion)
	}
	return nil
}

// unreadable returns an error that says where a file is not a plan. It quotes nothing, because the file holds values.
func unreadable(path string, text []byte, err error, offset int64) error {
	what := "is not what crmsync plan --out writes"
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s is empty; plan again", path)
	case errors.Is(err, io.ErrUnexpectedEOF):
		offset, what = int64(len(text)), "the file ends here, before the plan does; it was truncated"
	case errors.As(err, &syntax):
		offset, what = syntax.Offset-1, what+": it is not JSON"
	case errors.As(err, &typ):
		offset, what = typ.Offset, fmt.Sprintf("%s: %q is of another type", what, typ.Field)
	}
	line, column := placeOf(text, offset)
	return fmt.Errorf("%s:%d:%d: %s; plan again", path, line, column, what)
}

// placeOf returns the line and column at an offset, from 1.
func placeOf(text []byte, offset int64) (line, column int) {
	before := text[:max(0, min(offset, int64(len(text))))]
	return 1 + bytes.Count(before, []byte{'\n'}), len(before) - bytes.LastIndexByte(before, '\n')
}

// unedited fails if the plan was edited since it was written, and says where.
func (f planFile) unedited() error {
	for n, b := range f.Boards {
		for k, it := range b.Differing {
			if sweep.Digest(it.found()) != it.Digest {
				return fmt.Errorf("boards[%d].differing[%d], which is item %d of %s, was edited after the plan was made", n, k,
					it.Item, b.Board)
			}
		}
	}
	if f.checksum() != f.Checksum {
		return errors.New("its choices, boards or list of items were edited after the plan was made")
	}
	return nil
}

// checksum identifies the plan.
func (f planFile) checksum() string {
	f.Checksum = ""
	text, err := json.Marshal(f)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// found returns what the comparison found when the plan was written.
func (it itemPlan) found() engine.Found {
	f := engine.Found{ItemID: it.Item}
	for _, d := range it.Differences {
		isID := d.Kind == plan.IDColumn
		f.Differences = append(f.Differences, engine.Difference{
			Record: d.Record, Object: d.Object, SalesforceID: d.SalesforceID, Field: d.Field, Kind: d.Kind, Code: d.Code,
			Monday: d.Monday, Salesforce: d.Salesforce,
			Sends: d.To == string(mapping.Salesforce) || d.To == string(mapping.Monday) && isID,
			Takes: d.To == string(mapping.Monday) && !isID,
		})
	}
	return f
}

// digests returns the planned digests of a board's items, or of those in only.
func (f planFile) digests(board int64, only []int64) map[int64]string {
	planned := map[int64]string{}
	for _, b := range f.Boards {
		for _, it := range b.Differing {
			if b.ID == board && (len(only) == 0 || slices.Contains(only, it.Item)) {
				planned[it.Item] = it.Digest
			}
		}
	}
	return planned
}

// assumed returns the records that the items of a board may refer to and that exist only once the plan is carried out.
func (f planFile) assumed(board *mapping.Board) (records []store.AssumedRecord) {
	for _, target := range board.Links() {
		for _, b := range f.Boards {
			if b.ID != target.Board.ID {
				continue
			}
			for _, it := range b.Differing {
				if id := it.Records[target.Name]; id != "" {
					records = append(records, store.AssumedRecord{ItemID: it.Item, Record: target.Name, ID: id})
				}
			}
		}
	}
	return records
}

// lacks returns the items that the plan does not contain.
func (f planFile) lacks(items []int64) (missing []int64) {
	for _, id := range items {
		if !slices.ContainsFunc(f.Boards, func(b boardPlan) bool {
			return slices.ContainsFunc(b.Differing, func(it itemPlan) bool { return it.Item == id })
		}) {
			missing = append(missing, id)
		}
	}
	return missing
}
