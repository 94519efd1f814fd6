-- Small functions of values: no table is touched here.

-- The least text above every text that begins with `prefix`; null where there is none.
create or replace function {above}(prefix text) returns text language plpgsql immutable as $$
declare
    point int;
begin
    while prefix <> '' loop
        point := ascii(right(prefix, 1)) + 1;
        prefix := left(prefix, -1);
        if point <= 1114111 then
            return prefix || chr(case when point = 55296 then 57344 else point end);
        end if;
    end loop;
    return null;
end $$;

-- The new end of a sliding lease that is read at `now`; null when it need not move.
create or replace function {renewed}(win bigint, fin bigint, now bigint) returns bigint
language sql immutable as $$
    select case when now + win - fin > win / 16 then now + win end
$$;

-- The layout that msgspec and Python give a float: exponents below -5 and above 15 are written out.
create or replace function {float_text}(number float8) returns text language plpgsql immutable as $$
declare
    part text[] := regexp_match(number::text, '^(-?)(\d+)\.?(\d*)(?:e([+-]\d+))?$');
    digits text := part[2] || part[3];
    shift int := length(part[2]) - 1 + coalesce(part[4]::int, 0);
    zeros int := length(digits) - length(ltrim(digits, '0'));
begin
    digits := rtrim(substr(digits, zeros + 1), '0');
    shift := shift - zeros;
    if digits = '' then
        return part[1] || '0.0';
    elsif shift < -5 or shift > 15 then
        return part[1] || left(digits, 1)
            || case when length(digits) > 1 then '.' || substr(digits, 2) else '' end || 'e' || shift;
    elsif shift < 0 then
        return part[1] || '0.' || repeat('0', -shift - 1) || digits;
    elsif length(digits) <= shift + 1 then
        return part[1] || rpad(digits, shift + 1, '0') || '.0';
    end if;
    return part[1] || left(digits, shift + 1) || '.' || substr(digits, shift + 2);
end $$;

-- Stop the whole call; the driver turns `why` and the details into an error of threadkeep.
create or replace function {refuse}(why text, details json) returns void language plpgsql as $$
begin
    raise exception '%', why using errcode = 'TK001', detail = details;
end $$;

-- A stored number plus `summand`, both as JSON text. A value that is null counts as 0.
create or replace function {increased}(value bytea, summand text, field text) returns text
language plpgsql as $$
declare
    stored text := case when value is null then '0'
        when substr(value, 1, 1) = 'j' then btrim(encode(substr(value, 2), 'escape'), E' \t\r\n') else '' end;
    whole constant text := '^-?(0|[1-9][0-9]*)$';
    total numeric;
begin
    if stored !~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$' then
        perform {refuse}('number', json_build_object('field', field));
    end if;
    if stored ~ whole and summand ~ whole then
        total := stored::numeric + summand::numeric;
        if total not between -9223372036854775808 and 9223372036854775807 then
            perform {refuse}('integers', json_build_object('field', field));
        end if;
        return total::text;
    end if;
    begin
        return {float_text}(stored::float8 + summand::float8);
    exception when numeric_value_out_of_range then
        perform {refuse}('range', json_build_object('field', field));
    end;
end $$;
