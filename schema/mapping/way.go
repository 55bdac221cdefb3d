package mapping

// Way is a way back: a field of a board's record whose changes in Salesforce are written to its column. It takes effect
// only once a plan was made with it, so that somebody has seen what its first comparison would write.
type Way struct {
	Record *Record
	Field  *Field
}

// Ways returns the board's ways back, in the file's order.
func (b *Board) Ways() (ways []Way) {
	for _, r := range b.Records {
		for _, f := range r.Back() {
			ways = append(ways, Way{r, f})
		}
	}
	return ways
}

// Ways returns the ways back of all boards.
func (m *Mapping) Ways() (ways []Way) {
	for _, b := range m.Boards {
		ways = append(ways, b.Ways()...)
	}
	return ways
}

// Board returns the way's board.
func (w Way) Board() *Board { return w.Record.Board }

// Name returns the name under which Board.Made has the way's field.
func (w Way) Name() string { return w.Record.Name + "." + w.Field.Name }

// Fingerprint is equal for ways that write changes of the same field to the same column.
func (w Way) Fingerprint() string {
	return fingerprint(w.Board().ID, w.Record.Name, w.Record.Object, w.Field.Name, w.Field.from, w.Field.Sync)
}

// Without returns the mapping as it is in force without some ways back: a field that goes both ways is only synced to
// Salesforce, like one without `sync`, and one that goes only to Monday is not mapped.
func (m *Mapping) Without(ways []Way) *Mapping {
	if len(ways) == 0 {
		return m
	}
	d := &decoder{file: m.file, without: map[string]bool{}}
	for _, w := range ways {
		d.without[w.Fingerprint()] = true
	}
	rest, err := d.parse(m.src)
	if err != nil { // impossible: the same text was parsed before
		panic(err)
	}
	rest.whole = m.Fingerprint()
	return rest
}

// withdraw takes the ways back that are not in force out of a board.
func (d *decoder) withdraw(b *Board) {
	for _, r := range b.Records {
		var fields []*Field
		for _, f := range r.Fields {
			switch {
			case !f.ToMonday() || !d.without[Way{r, f}.Fingerprint()]:
			case f.Sync == ToMonday:
				continue
			default:
				f.Sync = ToSalesforce
				delete(f.at, "sync")
			}
			fields = append(fields, f)
		}
		r.Fields = fields
	}
}
