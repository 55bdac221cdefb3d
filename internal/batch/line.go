package batch

// chain is a list whose elements contain their own links, so that adding one allocates nothing.
type chain[T any] struct {
	first, last *link[T]
	count       int
}

// link is an element's place in a chain.
type link[T any] struct {
	of         T // the element
	in         *chain[T]
	prev, next *link[T]
}

func (c *chain[T]) pushBack(l *link[T]) {
	l.in, l.prev, l.next = c, c.last, nil
	if c.last == nil {
		c.first = l
	} else {
		c.last.next = l
	}
	c.last = l
	c.count++
}

// remove removes an element, unless it is in no chain.
func (l *link[T]) remove() {
	c := l.in
	if c == nil {
		return
	}
	if l.prev == nil {
		c.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		c.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	l.in, l.prev, l.next = nil, nil, nil
	c.count--
}

// line holds the calls of one key in order of arrival. It runs as a whole: calls that do not fit into a batch wait
// for the end of that batch, so that each call is moved once, however busy its key.
type line[In, Out any] struct {
	key   int64
	calls chain[*call[In, Out]]
	place link[*line[In, Out]] // in queue, unless the line is empty or running
}

func newLine[In, Out any]() *line[In, Out] {
	l := &line[In, Out]{}
	l.place.of = l
	return l
}
