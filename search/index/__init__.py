"""The inverted index: which passages have which terms, in bytes and numpy alone.

Nothing here knows Django, a database, or what a passage is for. A **segment** is an
index over many passages that never changes. `Builder` makes one out of new passages,
`merge` one out of several; when passages die, the caller keeps their document numbers
beside the segment, masks them, and the next merge drops them for good. So terms and
document frequencies are exact without any count that writers would have to share.

A passage's *document number* is its place in the segment, in the order of (workspace,
kind, source, position, part): neighbours in a source are neighbours here. A *term* is
known by 40 bits of a hash (`analysis.term_hash`), never by its text; about two of two
million terms share theirs. What people look up by prefix or by part is the *vocabulary*
of surfaces, and `analysis.term_of` leads from there to the term.

    module       what it is                                       kept as
    columns      per passage: id, source, position, time, …       packed arrays
    terms        sorted hashes → where the postings lie           packed arrays
    postings     per term: documents and counts                   varints, end to end
    vocabulary   sorted surfaces                                  zlib, 64 KB pieces
    runs         what is known of words and paths met before      in memory alone
    builder      passages → segment
    merging      segments and their dead → segment
    packing      arrays ↔ bytes, and IndexDamaged

**Reading.** Load columns and terms once and keep them by the segment's id (35 and 9
bytes an entry). `Terms.spans` gives offset and length in the postings, so that only
those bytes are fetched, and `postings.decode` turns them into ascending documents and
counts. A vocabulary is read whole; a prefix inflates one or two of its pieces.

**Bytes.** Whole numbers are little-endian; every column starts with a version byte (1).

- *packed arrays* (columns, terms, the directory of a vocabulary): version u1, CRC-32 u4
  of the rest, raw length u4, one zlib stream. In it lie arrays, each with a head of
  preparation u1 (0 as they are, 1 ascending steps, 2 steps with the sign in the lowest
  bit), bytes a value u1, count u4; then the lowest bytes of all values, then the next.
  Texts are an array of their lengths in bytes, followed by their UTF-8.
- *columns*: the arrays of `columns.TYPES` in that order; of the sources the workspaces,
  ids, kinds and paths; role names; speaker names.
- *terms*: the hashes; the offset of the first posting; the length of each term's.
- *postings*: version, then the lists of all terms in the order of their hashes. For
  each document: documents skipped since the one before << 1 | whether it has a count.
  Then the counts above one of those that have it. Each a varint, seven bits a byte, low
  bits first, the high bit for "goes on". A list has no length: it ends where as many
  counts follow as bits said so.
- *vocabulary*: version u1, length of the directory u4, directory (compressed sizes, raw
  sizes, first words of the pieces), the pieces: zlib of lines, sorted as UTF-8.

Equal passages give equal bytes, whether built at once or merged. 33,000 passages with
20 MB of text take 4.1 MB: postings 2.8, terms 0.6, vocabulary 0.4, columns 0.3.
"""
