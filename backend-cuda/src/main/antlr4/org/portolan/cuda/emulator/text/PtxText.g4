// The part of PTX that LLVM's NVPTX back end and its inline assembly write for our kernels. What an instruction's name
// means is decided by the decoder; here stands only how things are written.
grammar PtxText;

module : version target addressSize? declaration* EOF ;
version : '.version' DECIMAL ;
target : '.target' NAME (',' NAME)* ;
addressSize : '.address_size' INTEGER ;

declaration : linkage* (function | variable ';') | pragma ;
linkage : '.visible' | '.extern' | '.weak' | '.common' ;

function : ('.entry' | '.func' results?) NAME ('(' (variable (',' variable)*)? ')')? noReturn? bound* (body | ';') ;
results : '(' variable (',' variable)* ')' ;
noReturn : '.noreturn' ;
bound : BOUND INTEGER (',' INTEGER)* ;

// .param .u64 .ptr .global .align 1 name; .shared .align 16 .b8 tile[1024]; .const .align 4 .b8 table[8] = {1, 2}
variable : space alignment? DOTTED pointer? NAME ('[' INTEGER? ']')? ('=' initial)? ;
pointer : POINTER space? alignment? ;
alignment : '.align' INTEGER ;
space : '.param' | '.global' | '.shared' | '.local' | '.const' ;
initial : '{' (constant (',' constant)*)? '}' | constant ;
constant : number | NAME ('(' NAME ')')? ;

body : '{' statement* '}' ;
statement
    : NAME ':'                                              # label
    | '.reg' DOTTED register (',' register)* ';'            # registers
    | variable ';'                                          # local
    | pragma                                                # hint
    | '.branchtargets' NAME (',' NAME)* ';'                 # targets
    | body                                                  # scope
    | guard? instruction ';'                                # step
    ;
register : NAME ('<' INTEGER '>')? ;
pragma : '.pragma' STRING ';' ;
guard : '@' '!'? NAME ;
instruction : NAME modifier* (operand (',' operand)*)? ;
modifier : DOTTED | space ;

operand : single ('|' single)? ;
single
    : '!'? NAME DOTTED? offset?                             # name
    | number                                                # literal
    | '[' single (',' single)* ']'                          # address
    | '{' single (',' single)* '}'                          # vector
    | '(' (single (',' single)*)? ')'                       # group
    | '_'                                                   # unused
    ;
offset : '+' number | '-' INTEGER ;
number : '-'? (INTEGER | HEX | FLOAT32 | FLOAT64 | DECIMAL) ;

POINTER : '.ptr' ;
BOUND : '.maxntid' | '.reqntid' | '.minnctapersm' | '.maxnreg' | '.maxnctapersm' | '.reqnctapercluster' ;
DOTTED : '.' [a-zA-Z0-9_]+ ('::' [a-zA-Z0-9_]+)* ;
FLOAT32 : '0' [fF] HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT ;
FLOAT64 : '0' [dD] HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT
    HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT HEXDIGIT ;
HEX : '0' [xX] HEXDIGIT+ 'U'? ;
DECIMAL : [0-9]+ '.' [0-9]+ ;
INTEGER : [0-9]+ 'U'? ;
NAME : [a-zA-Z$%] [a-zA-Z0-9_$]* | '_' [a-zA-Z0-9_$]+ ;
STRING : '"' ~["\r\n]* '"' ;
// Line information and debug sections say nothing about what a kernel does.
LOCATION : ('.loc' | '.file') [ \t] ~[\r\n]* -> skip ;
SECTION : '.section' .*? '}' -> skip ;
COMMENT : ('//' ~[\r\n]* | '/*' .*? '*/') -> skip ;
BLANK : [ \t\r\n]+ -> skip ;
UNKNOWN : . ;

fragment HEXDIGIT : [0-9a-fA-F] ;
