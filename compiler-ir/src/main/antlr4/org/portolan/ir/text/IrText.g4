// The text form of everything: dialects, machine files, kernels, pipelines. It knows no operation and no attribute, so
// it stays as it is when one is added: what a name or a value means is decided by the record that it is read into.
grammar IrText;

module : op* EOF ;
pipeline : (pass (',' pass)*)? EOF ;
single : value EOF ;

op : (VALUE (',' VALUE)* '=')? opName operands? attributes? body* (':' type (',' type)*)? ;
opName : NAME ('-' NAME)* ;
operands : operand (',' operand)* ;
operand : VALUE | '[' (VALUE (',' VALUE)*)? ']' | '_' ;
attributes : '<' field (',' field)* '>' ;
field : NAME '=' value ;
body : '{' parameters? op* '}' ;
parameters : '(' (parameter (',' parameter)*)? ')' '->' ;
parameter : VALUE ':' type ;
pass : opName record? ;

type : NAME (list | angle)? ;

// An expression, an axis (i:seq) or a range (batch:1..64).
value : expression (':' expression ('..' expression)?)? ;
// A flat row of operators: precedence is the business of Dim. k%n has no blank, so %n arrives as a VALUE.
expression : '-'? term (('+' | '-' | '*' | '/' | '%' | '^') '-'? term | VALUE tuple?)* ;
// 16xf32 arrives as a number and a name.
term : INTEGER NAME? | FLOAT | BITS | STRING | NAME (list | angle | tuple)? | tuple ('->' tuple)? | list | record | '_' ;
list : '[' (value (',' value)*)? ']' ;
angle : '<' value (',' value)* '>' ;
tuple : '(' (value (',' value)*)? ')' ;
record : '{' (field (',' field)*)? '}' ;

VALUE : '%' (IDENTIFIER | QUOTED) ;
NAME : IDENTIFIER ;
BITS : '0x' [0-9a-fA-F]+ ;
FLOAT : [0-9]+ '.' [0-9]+ ([eE] [-+]? [0-9]+)? ;
INTEGER : [0-9]+ ;
STRING : QUOTED ;
COMMENT : '//' ~[\r\n]* -> skip ;
BLANK : [ \t\r\n]+ -> skip ;
UNKNOWN : . ;

fragment IDENTIFIER : [\p{L}_$] [\p{L}\p{Nd}_$.]* ;
fragment QUOTED : '"' (~["\\\r\n] | '\\' .)* '"' ;
